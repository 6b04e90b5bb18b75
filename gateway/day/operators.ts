import type { Account, Duty } from '../domain/operator.ts'
import type { Database } from '../store/database.ts'
import { heldOperator, insertOperator } from '../store/operators.ts'

const person = (name: string, displayName: string, office: string, ...duties: readonly Duty[]): Account => ({
  name,
  displayName,
  office,
  duties,
  enabled: true,
})
const [province, city, county] = ['14300000000', '14301000000', '14301020000'] as const

/**
 * The operators of the sample province: three who may do whatever two must, one who looks on, two further down; and two who give rights, last, since
 * from the second of them on only they make accounts.
 */
export const sampleOperators: readonly Account[] = [
  person('zhang', '张敏', province, 'binding-review', 'accounts', 'information-centre'),
  person('li', '李军', province, 'binding-review', 'accounts', 'information-centre'),
  person('wang', '王芳', province, 'binding-review', 'accounts', 'information-centre'),
  person('sun', '孙丽', province, 'auditor'),
  person('zhou', '周涛', city, 'binding-review', 'accounts'),
  person('wu', '吴静', county, 'binding-review', 'accounts'),
  person('zhao', '赵强', province, 'administrator'),
  person('qian', '钱进', province, 'administrator'),
]

/** Makes the accounts of the sample operators, for a laptop and for tests. */
export const seedOperators = (db: Database, now: Date): Promise<void> =>
  db.transaction(async tx => {
    for (const account of sampleOperators) if (!(await heldOperator(tx, account.name))) await insertOperator(tx, account, undefined, now)
  })
