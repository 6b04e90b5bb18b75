import type { Account, Duty } from '../domain/operator.ts'
import type { Database } from '../store/database.ts'
import { insertOperators } from '../store/operators.ts'

const person = (name: string, displayName: string, office: string, ...duties: readonly Duty[]): Account => ({
  name,
  displayName,
  office,
  duties,
  enabled: true,
})
const [province, city, county] = ['14300000000', '14301000000', '14301020000'] as const

/** The operators of the sample province: three who may do whatever two must, two who give rights, one who looks on, and two further down. */
export const sampleOperators: readonly Account[] = [
  person('zhang', '张敏', province, 'binding-review', 'accounts', 'information-centre'),
  person('li', '李军', province, 'binding-review', 'accounts', 'information-centre'),
  person('wang', '王芳', province, 'binding-review', 'accounts', 'information-centre'),
  person('zhao', '赵强', province, 'administrator'),
  person('qian', '钱进', province, 'administrator'),
  person('sun', '孙丽', province, 'auditor'),
  person('zhou', '周涛', city, 'binding-review', 'accounts'),
  person('wu', '吴静', county, 'binding-review', 'accounts'),
]

/** Makes the accounts of the sample operators, for a laptop and for tests. */
export const seedOperators = (db: Database, now: Date): Promise<void> => db.transaction(tx => insertOperators(tx, sampleOperators, now))
