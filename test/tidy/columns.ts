import type { Finding } from './rooms.ts'

/** A column as a migration declares it. */
export type Column = { readonly table: string; readonly name: string; readonly type: string; readonly rest: string }

const uncommented = (sql: string): string => sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, text => text.replace(/[^\n]/g, ' '))
const column = /^\s*(?:ADD COLUMN\s+(?:IF NOT EXISTS\s+)?)?`?([a-z_]+)`?\s+([A-Z]+(?:\(\d+(?:,\d+)?\))?)(.*)$/i
const notColumns = /^\s*(?:PRIMARY|UNIQUE|KEY|INDEX|CONSTRAINT|FOREIGN|CHECK|\))/i

/** The columns that a migration makes, one a line as we write them. */
export const columnsOf = (sql: string): Column[] => {
  const found: Column[] = []
  for (const [, table, body] of uncommented(sql).matchAll(/\b(?:CREATE TABLE(?: IF NOT EXISTS)?|ALTER TABLE)\s+`?(\w+)`?\s*\(?([^;]*);/gi))
    for (const row of body!.split('\n')) {
      const match = notColumns.test(row) ? undefined : column.exec(row)
      if (match)
        found.push({
          table: table!,
          name: match[1]!,
          type: match[2]!.toUpperCase(),
          rest: match[3]!.replace(/COMMENT '(?:[^']|'')*'/i, ''),
        })
    }
  return found
}

/** Texts that people read; every other text is a code, compared byte by byte. */
const prose = new Set(['name', 'display_name', 'lead_branch', 'taxpayer_name', 'bank_text', 'reason'])
const money = /^(?:\w+_)?(?:amount|sum|total|fee|balance|fen)$/

/** Money is BIGINT fen, codes and ids are ascii, instants are DATETIME(3), and there is no rounding type anywhere. */
export const columnFindings = (path: string, sql: string): Finding[] => {
  const found: Finding[] = []
  for (const { table, name, type, rest } of columnsOf(sql)) {
    const at = `${path}: ${table}.${name}`
    if (money.test(name) && type !== 'BIGINT') found.push(`${at}: money is BIGINT fen, not ${type}`)
    if (/^(?:DECIMAL|NUMERIC|FLOAT|DOUBLE|REAL)/.test(type)) found.push(`${at}: ${type} rounds or costs digits`)
    if (/^(?:TIMESTAMP|TIME|YEAR)/.test(type) || (type.startsWith('DATETIME') && type !== 'DATETIME(3)'))
      found.push(`${at}: an instant is DATETIME(3), UTC`)
    if (/^(?:VAR)?CHAR\(/.test(type) && !prose.has(name) && !/CHARACTER SET ascii COLLATE ascii_bin/i.test(rest))
      found.push(`${at}: a code is CHARACTER SET ascii COLLATE ascii_bin`)
    if (/^(?:ENUM|SET)\b/.test(type)) found.push(`${at}: a closed list is a CHECK`)
  }
  for (const [, table, options] of uncommented(sql).matchAll(/\bCREATE TABLE(?: IF NOT EXISTS)?\s+`?(\w+)`?\s*\([^;]*\n\)([^;]*);/gi))
    if (!/ENGINE=InnoDB/.test(options!) || !/CHARACTER SET utf8mb4 COLLATE utf8mb4_bin/.test(options!))
      found.push(`${path}: ${table} is InnoDB, utf8mb4_bin, and says so`)
  return found
}
