import type { UnifiedCode } from '@taxlink/bank-sdk'
import type { BankEntry, BankPolicy, EarlierContract, Halt } from './bank.ts'
import type { Calendar } from './calendar-days.ts'
import type { Level, Operator } from './operator.ts'
import { bankGate } from './qualification.ts'
import { type Dossier, inForce, inForceOn, noDossier, type Registry, type RemittanceAccount } from './registry.ts'
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
/** Reference data, registry and halts at one moment, immutable; a newer one replaces it whole. */
export type Reference = {
  readonly version: string
  readonly banks: ReadonlyMap<string, BankEntry>
  readonly offices: ReadonlyMap<string, Office>
  readonly treasuries: ReadonlyMap<string, Treasury>
  /** By `bankCode/treasuryCode`, in the order in which they begin. */
  readonly remittance: ReadonlyMap<string, readonly RemittanceAccount[]>
  /** 办税日历 (art. 17). */
  readonly calendar: Calendar
}

/** Where a debit goes: the bank, the treasury, the account it is remitted from. */
export type Route = { readonly bank: BankEntry; readonly treasury: Treasury; readonly remittance: RemittanceAccount }
/** Why a debit goes nowhere. */
export type NoRoute = Ruling

const no = (code: UnifiedCode, rule: string, zh: string, en: string): NoRoute => ({ code, rule, zh, en })

const unqualified = {
  'bank-unknown': ['银行未登记', 'the bank is not registered'],
  'bank-not-qualified': ['银行未取得代理资格(第二十七条)', 'the bank is not qualified (art. 27)'],
  'bank-suspended': ['银行的代理资格已暂停(第三十一条)', 'the bank is suspended (art. 31)'],
  'bank-revoked': ['银行的代理资格已取消(第三十一条)', 'the bank has lost its agency (art. 31)'],
  'bank-not-active-in-city': ['银行在该市州尚未开通(第二十七、二十九条)', 'the bank is not active in this city (art. 27, 29(5))'],
} as const
const gateRuling = (rule: keyof typeof unqualified): Ruling => {
  const [zh, en] = unqualified[rule]
  return no('93014', rule, zh, en)
}

/** 市州: the office of the city that an office belongs to, by the tree of the offices; where the data has none, by its code. */
export const cityOf = ({ offices }: Pick<Reference, 'offices'>, officeCode: string): string => {
  const office = offices.get(officeCode)
  if (office?.level === 'city') return officeCode
  const above = office?.parent === undefined ? undefined : offices.get(office.parent)
  return above?.level === 'city' ? above.code : `${officeCode.slice(0, 5)}000000`
}

/** How a bank stands in the cities, as far as an operator sees them: of the province all, of anything below it the city they belong to. */
export const citiesSeen = (
  reference: Pick<Reference, 'offices'>,
  { level, office }: Pick<Operator, 'level' | 'office'>,
  cities: BankEntry['cities'],
): BankEntry['cities'] => {
  const own = cityOf(reference, office)
  return level === 'province' ? cities : new Map([...cities].filter(([code]) => code === own))
}

/**
 * A bank without agency in the taxpayer's city, or one that lost it: nothing is sent to it any more that certainly never was. Undefined: it has
 * its agency.
 */
export const unqualifiedIn = (reference: Reference, { province, cities }: BankEntry, officeCode: string): Ruling | undefined => {
  const rule = bankGate(province, cities.get(cityOf(reference, officeCode)))
  return rule && gateRuling(rule)
}

/** A bank that two persons have halted: nothing new goes there until two persons resume it. */
export const bankHalted = ({ reason }: Halt): Ruling =>
  no('93014', 'bank-halted', `该银行已停用:${reason}`, 'the bank is halted by two persons')

/** Why no new debit of any kind of this office may go to this bank; undefined: it may. */
export const barred = (reference: Reference, bank: BankEntry, officeCode: string): Ruling | undefined =>
  unqualifiedIn(reference, bank, officeCode) ?? (bank.halt && bankHalted(bank.halt))

/** Routes by the taxpayer's own bank (art. 28): no default bank, and no debit where a mapping of art. 29 is missing on this day. */
export const route = (reference: Reference, bankCode: string, officeCode: string, today: string): Route | NoRoute => {
  const bank = reference.banks.get(bankCode)
  if (!bank) return gateRuling('bank-unknown')
  const office = reference.offices.get(officeCode)
  if (!office) return no('93013', 'office-unknown', '征收机关未登记', 'the tax office is not registered')
  const bar = barred(reference, bank, officeCode)
  if (bar) return bar
  const treasury = office.treasuryCode === undefined ? undefined : reference.treasuries.get(office.treasuryCode)
  if (!treasury)
    return no(
      '93013',
      'office-without-treasury',
      '征收机关未对应收款国库(第二十九条第四项)',
      'the office is mapped to no treasury (art. 29(4))',
    )
  const remittance = inForceOn(reference.remittance.get(`${bankCode}/${treasury.code}`) ?? [], today)
  if (!remittance)
    return no(
      '93013',
      'no-remittance-account',
      '该银行在此国库无报解专户(第二十九条第二项)',
      'the bank has no remittance account for this treasury (art. 29(2))',
    )
  return { bank, treasury, remittance }
}

/** The same reference data with what the registry holds of its banks, and with the contracts that are in force today. */
export const withRegistry = (reference: Reference, registry: Registry, today: string): Reference => {
  const held = [...reference.banks.values()].map(bank => ({ bank, dossier: registry.dossiers.get(bank.code) ?? noDossier }))
  return {
    ...reference,
    banks: new Map(
      held.map(({ bank, dossier: { province, cities, contracts, certificateValidTo } }) => [
        bank.code,
        {
          ...bank,
          province,
          cities,
          certificateValidTo,
          policy: inForce(contracts, today)?.policy ?? bank.policy,
          earlier: earlierThan(today, bank.policy, contracts),
        },
      ]),
    ),
    remittance: new Map(held.flatMap(({ bank, dossier }) => [...dossier.accounts].map(([to, terms]) => [`${bank.code}/${to}`, terms]))),
  }
}

/** The contracts that were in force before the one of today, the first among them. */
const earlierThan = (today: string, first: BankPolicy, contracts: Dossier['contracts']): EarlierContract[] => {
  const begun = contracts.filter(({ from }) => from <= today)
  return begun.map(({ from }, i) => ({ until: from, policy: begun[i - 1]?.policy ?? first }))
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

/** The halted banks at which what never left waits for two persons: at one that has no agency left it does not wait, but is refused (art. 31). */
export const waitedFor = (reference: Reference): string[] => haltedBanks(reference).filter(code => openIn(reference.banks.get(code)!) > 0)

/** In how many cities a bank gets debits. */
const openIn = ({ province, cities }: BankEntry): number =>
  [...cities.values()].filter(city => bankGate(province, city) === undefined).length

/** In how many cities each bank gets debits (art. 27, 29(5), 31). */
export const openCities = (reference: Reference): { readonly bankCode: string; readonly count: number }[] =>
  [...reference.banks.values()].map(bank => ({ bankCode: bank.code, count: openIn(bank) }))

/** How many days the certificate of each qualified bank is still good; 0 on its last day, less after it. */
export const certificateDays = (reference: Reference, today: string): { readonly bankCode: string; readonly days: number }[] =>
  [...reference.banks.values()].flatMap(({ code, province, certificateValidTo }) =>
    certificateValidTo !== undefined && (province === 'qualified' || province === 'suspended')
      ? [{ bankCode: code, days: Math.round((Date.parse(certificateValidTo) - Date.parse(today)) / 86_400_000) }]
      : [],
  )

/** Whether a routing found its way. */
export const isRoute = (found: Route | NoRoute): found is Route => 'bank' in found
