import type { AgreementStanding, AgreementState } from '../domain/agreement.ts'
import type { Database } from './database.ts'
import { grouped } from './group.ts'
import { overKeys } from './rows.ts'

/** What the gate of a debit reads of the record. */
export type AgreementGate = {
  /** How an agreement stands; undefined: there is none with this number. */
  agreement(agreementNo: string): Promise<AgreementStanding | undefined>
}

type Row = {
  agreementNo: string
  state: AgreementState
  taxpayerId: string
  officeCode: string
  bankCode: string
  branch: string
  account: string
  activeFrom: string | null
  validTo: string | null
  enabled: number
  objected: number
  ending: number
}
const byNumber = overKeys(
  `SELECT agreement_no AS agreementNo, state, taxpayer_id AS taxpayerId, office_code AS officeCode, bank_code AS bankCode, branch, account,
     active_from AS activeFrom, valid_to AS validTo, enabled_at IS NOT NULL AS enabled, objected_at IS NOT NULL AS objected,
     ending_since IS NOT NULL AS ending
   FROM agreement WHERE agreement_no IN (?)`,
)

const standingOf = (row: Row): AgreementStanding => ({
  state: row.state,
  particulars: {
    taxpayerId: row.taxpayerId,
    // The gate asks for no name, so none is read for every debit.
    taxpayerName: '',
    officeCode: row.officeCode,
    bankCode: row.bankCode,
    branch: row.branch,
    account: row.account,
  },
  boundOn: undefined,
  activeFrom: row.activeFrom ?? undefined,
  validTo: row.validTo ?? undefined,
  accountSince: undefined,
  enabled: row.enabled === 1,
  objected: row.objected === 1,
  ending: row.ending === 1,
})

/** Opens the reads of the gate over `db`: those of orders that come together share a statement. */
export const openAgreementGate = (db: Database): AgreementGate => ({
  agreement: grouped(
    async (agreementNos: readonly string[]) => {
      const rows = await byNumber.query<Row>(db, [...new Set(agreementNos)])
      const found = new Map(rows.map(row => [row.agreementNo, standingOf(row)]))
      return agreementNos.map(agreementNo => found.get(agreementNo))
    },
    { most: 128, lanes: 2 },
  ),
})
