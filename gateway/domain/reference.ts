import type { UnifiedCode } from '@taxlink/bank-sdk'
import type { BankEntry, Halt } from './bank.ts'
import type { Level } from './operator.ts'
import type { Ruling } from './ticket.ts'

/** 征收机关: a tax office, the treasury its taxes go to (art. 29(4)), and the office above it. */
export type Office = {
  readonly code: string
  readonly name: string
  readonly treasuryCode?: string
  readonly level?: Level
  readonly parent?: string
}
/** 国库: a treasury branch with its clearing number (art. 29(4)). */
export type Treasury = { readonly code: string; readonly name: string; readonly clearingNo: string }
/** 报解专户: the account of a bank's lead branch that remits to one treasury (art. 29(2)). */
export type RemittanceAccount = {
  readonly bankCode: string
  readonly treasuryCode: string
  readonly account: string
  readonly leadBranch: string
}

/** One version of the reference data, immutable; a newer version replaces it whole. */
export type Reference = {
  readonly version: string
  readonly banks: ReadonlyMap<string, BankEntry>
  readonly offices: ReadonlyMap<string, Office>
  readonly treasuries: ReadonlyMap<string, Treasury>
  /** By `bankCode/treasuryCode`. */
  readonly remittance: ReadonlyMap<string, RemittanceAccount>
}

/** Where a debit goes: the bank, the treasury, the account it is remitted from. */
export type Route = { readonly bank: BankEntry; readonly treasury: Treasury; readonly remittance: RemittanceAccount }
/** Why a debit goes nowhere. */
export type NoRoute = Ruling

const no = (code: UnifiedCode, rule: string, zh: string, en: string): NoRoute => ({ code, rule, zh, en })

/** A bank without agency, or one that lost it: nothing is sent to it any more that certainly never was. */
export const bankNotEnabled: Ruling = no(
  '93014',
  'bank-not-enabled',
  '银行未取得或已停止代理资格(第二十七、三十一条)',
  'the bank is not qualified (art. 27, 31)',
)

/** A bank that two persons have halted: nothing new goes there until two persons resume it. */
export const bankHalted = ({ reason }: Halt): Ruling =>
  no('93014', 'bank-halted', `该银行已停用:${reason}`, 'the bank is halted by two persons')

/** Why no new debit of any kind may go to this bank; undefined: it may. */
export const barred = ({ enabled, halt }: BankEntry): Ruling | undefined => (enabled ? halt && bankHalted(halt) : bankNotEnabled)

/** Routes by the taxpayer's own bank (art. 28): no default bank, and no debit where a mapping of art. 29 is missing. */
export const route = (reference: Reference, bankCode: string, officeCode: string): Route | NoRoute => {
  const bank = reference.banks.get(bankCode)
  if (!bank) return no('93014', 'bank-unknown', '银行未登记', 'the bank is not registered')
  const bar = barred(bank)
  if (bar) return bar
  const office = reference.offices.get(officeCode)
  if (!office) return no('93013', 'office-unknown', '征收机关未登记', 'the tax office is not registered')
  const treasury = office.treasuryCode === undefined ? undefined : reference.treasuries.get(office.treasuryCode)
  if (!treasury)
    return no(
      '93013',
      'office-without-treasury',
      '征收机关未对应收款国库(第二十九条第四项)',
      'the office is mapped to no treasury (art. 29(4))',
    )
  const remittance = reference.remittance.get(`${bankCode}/${treasury.code}`)
  if (!remittance)
    return no(
      '93013',
      'no-remittance-account',
      '该银行在此国库无报解专户(第二十九条第二项)',
      'the bank has no remittance account for this treasury (art. 29(2))',
    )
  return { bank, treasury, remittance }
}

/** The same reference data, with exactly these banks halted. */
export const withHalts = (reference: Reference, halts: ReadonlyMap<string, Halt>): Reference => ({
  ...reference,
  banks: new Map(
    [...reference.banks].map(([code, { halt: _before, ...bank }]) => {
      const halt = halts.get(code)
      return [code, halt ? { ...bank, halt } : bank]
    }),
  ),
})

/** The codes of the banks that are halted. */
export const haltedBanks = (reference: Reference): string[] => [...reference.banks.values()].flatMap(bank => (bank.halt ? [bank.code] : []))

/** Whether a routing found its way. */
export const isRoute = (found: Route | NoRoute): found is Route => 'bank' in found
