import { agreementOperations } from './agreement-operations.ts'
import { bankOperations } from './bank-operations.ts'
import { breakOperations } from './break-operations.ts'
import { fileOperations } from './file-operations.ts'
import { furtherOperations } from './further-operations.ts'
import type { Operation } from './operation.ts'
import { operations } from './operations.ts'
import { operatorOperations } from './operator-operations.ts'
import { reconciliationOperations } from './reconciliation-operations.ts'
import { registryOperations } from './registry-operations.ts'
import { sessionOperations } from './session-operations.ts'
import { voucherOperations } from './voucher-operations.ts'

/** The operations of all parties. */
export const everyOperation: readonly Operation[] = [
  ...Object.values(operations),
  ...Object.values(furtherOperations),
  ...Object.values(agreementOperations),
  ...Object.values(bankOperations),
  ...Object.values(fileOperations),
  ...Object.values(operatorOperations),
  ...Object.values(reconciliationOperations),
  ...Object.values(breakOperations),
  ...Object.values(registryOperations),
  ...Object.values(voucherOperations),
  ...Object.values(sessionOperations),
]

/** The form of the addresses of a url: a parameter is one step of it. */
const formOf = (url: string): RegExp => new RegExp(`^${url.replace(/:\w+/g, '[0-9A-Za-z._-]+')}$`)
const forms = everyOperation.map(({ method, url }) => ({ form: formOf(url), methods: method === 'GET' ? ['GET', 'HEAD'] : [method] }))

/** The methods a path knows, for an answer 405; undefined for a path that is none of ours. */
export const methodsOf = (path: string): string[] | undefined => {
  const found = forms.filter(({ form }) => form.test(path)).flatMap(({ methods }) => methods)
  return found.length === 0 ? undefined : [...new Set(found)]
}
