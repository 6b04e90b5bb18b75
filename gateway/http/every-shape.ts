import { agreementShapes } from './agreement-schemas.ts'
import { breakShapes } from './break-schemas.ts'
import { fileShapes } from './file-schemas.ts'
import { furtherShapes } from './further-schemas.ts'
import { operatorShapes } from './operator-schemas.ts'
import { reconciliationShapes } from './reconciliation-schemas.ts'
import { registryShapes } from './registry-schemas.ts'
import { debitShapes } from './schemas.ts'
import { sessionShapes } from './session-schemas.ts'
import { voucherShapes } from './voucher-schemas.ts'

/** Every shape that has a name, of all parties. */
export const everyShape = [
  ...debitShapes,
  ...furtherShapes,
  ...agreementShapes,
  ...fileShapes,
  ...operatorShapes,
  ...reconciliationShapes,
  ...breakShapes,
  ...registryShapes,
  ...voucherShapes,
  ...sessionShapes,
] as const
