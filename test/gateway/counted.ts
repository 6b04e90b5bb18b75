import type { Database, Scalar, Tx } from '../../gateway/store/database.ts'

/** A record that counts the statements that are asked of it, those of transactions among them. */
export const countedDatabase = (db: Database): { readonly db: Database; readonly statements: () => number } => {
  let count = 0
  const counted = (tx: Tx): Tx => ({
    query: <T>(sql: string, params?: readonly Scalar[]) => {
      count++
      return tx.query<T>(sql, params)
    },
    execute: (sql, params) => {
      count++
      return tx.execute(sql, params)
    },
  })
  return {
    db: { ...db, ...counted(db), transaction: (work, options) => db.transaction(tx => work(counted(tx)), options) },
    statements: () => count,
  }
}
