import { hash } from 'node:crypto'
import { outcome } from '@taxlink/bank-sdk'
import type { Particulars } from '../../gateway/domain/particulars.ts'
import { type AgreementRegistration, change, register } from '../../gateway/flows/agreements.ts'
import { heardBindResult } from '../../gateway/flows/bindings.ts'
import type { Flow } from '../../gateway/flows/flow.ts'
import { reviewAgreement } from '../../gateway/flows/review.ts'
import type { Database, Scalar } from '../../gateway/store/database.ts'

/** What a debit says of its agreement, as an order does. */
export type Named = Pick<Particulars, 'taxpayerId' | 'taxpayerName' | 'officeCode' | 'bankCode' | 'account'> & {
  readonly agreementNo: string
  readonly payerBankNo: string
}

/** Writes agreements in force straight into the record, so that debits under them pass: for suites that are about debits. */
export const writeActive = async (db: Pick<Database, 'execute'>, named: readonly Named[]): Promise<void> => {
  const once = [...new Map(named.map(each => [each.agreementNo, each])).values()]
  for (let at = 0; at < once.length; at += 500) {
    const part = once.slice(at, at + 500)
    const rows = part.map((each): Scalar[] => [
      idOf(each.agreementNo),
      each.agreementNo,
      each.taxpayerId,
      each.taxpayerName,
      each.officeCode,
      each.bankCode,
      each.payerBankNo,
      each.account,
      hash('sha256', each.agreementNo, 'buffer'),
    ])
    await db.execute(
      `INSERT IGNORE INTO agreement (id, agreement_no, tax_system, taxpayer_id, taxpayer_name, office_code, bank_code, branch, account, channel, by_paper,
         content_hash, registered_at, state, state_since, approved_by, bound_on, active_from, valid_to, account_since, enabled_by, enabled_at, likeness)
       VALUES ${rows
         .map(
           () => `(?, ?, 'urn:taxlink:tax-system:test', ?, ?, ?, ?, ?, ?, 'computer', 0, ?, '2020-01-01', 'active', '2020-02-01', 'test', '2020-01-01',
         '2020-02-01', '2099-01-31', '2020-02-01', 'test', '2020-01-15', 'exact')`,
         )
         .join(', ')}`,
      rows.flat(),
    )
  }
}
/** A number of its own that no counter has reached yet. */
const idOf = (agreementNo: string): number => 2 ** 40 + Number.parseInt(hash('sha256', agreementNo).slice(0, 12), 16)

/** Particulars of a taxpayer nobody else has. */
export const particularsOf = (n: number, change: Partial<Particulars> = {}): Particulars => ({
  taxpayerId: `9143010010${String(n).padStart(7, '0')}X`,
  taxpayerName: '长沙星城机械有限公司',
  officeCode: '14301020000',
  bankCode: '4301',
  branch: '313551000001',
  account: `4301${String(n).padStart(15, '0')}`,
  ...change,
})

/** The registration of a taxpayer nobody else has, approved by its office, to go over the wire. */
export const registrationOf = (n: number, prefix: string, given: Partial<AgreementRegistration> = {}): AgreementRegistration => {
  const { branch, ...particulars } = particularsOf(n)
  return {
    agreementNo: `${prefix}-${n}`,
    ...particulars,
    payerBankNo: branch,
    channel: 'computer',
    delivery: 'wire',
    approvedBy: 'chief',
    ...given,
  }
}

let changes = 0
/** A change of account inside its year that names an exception, and waits for two persons: the number of the new agreement. */
export const waitingChange = async (flow: Flow, taxSystem: string): Promise<string> => {
  const [old, next] = [++changes + 500_000, ++changes + 500_000].map(n => {
    const { branch, ...particulars } = particularsOf(n)
    return {
      agreementNo: `CH-${n}`,
      ...particulars,
      taxpayerId: `91430100CH${String(changes).padStart(7, '0')}X`,
      payerBankNo: branch,
      channel: 'computer',
      delivery: 'wire',
      approvedBy: 'chief',
    } as const
  })
  const now = flow.clock()
  await register(flow, taxSystem, old!, now)
  await heardBindResult(flow, { bankCode: old!.bankCode, agreementNo: old!.agreementNo, outcome: outcome('90000') }, now)
  await reviewAgreement(flow, old!.agreementNo, 'accept', 'urn:taxlink:operator:zhang', 'test', now)
  await change(flow, taxSystem, old!.agreementNo, { ...next!, exception: 'merger' }, now)
  return next!.agreementNo
}
