import type { BankPolicy } from './bank.ts'
import type { Objection } from './proposal.ts'
import {
  type CityEvent,
  type CityState,
  type Condition,
  cityMachine,
  conditions,
  type ProvinceEvent,
  type QualificationState,
  qualificationGaps,
  qualificationMachine,
} from './qualification.ts'

// 银行登记簿: the registry is a journal of lines about banks, only ever added to. Whatever holds of a bank is read out of its lines.

/** What a line does besides moving a bank: it keeps a paper, an account, a contract, a longer certificate, an assessment. */
export type Entry = 'evidence' | 'account' | 'contract' | 'renew' | 'assess'
/** A line of the registry. The content is what was said when it was written, and never changes. */
export type RegistryLine = {
  readonly id: number
  readonly bankCode: string
  /** The office of the city that it is about; undefined: the province. */
  readonly cityCode: string | undefined
  readonly event: ProvinceEvent | CityEvent | Entry
  /** How the bank stands after it, in the province or in that city. */
  readonly state: string
  readonly content: LineContent
  readonly actor: string
  readonly at: Date
  /** Two persons' proposal, where it took two. */
  readonly proposalId: number | undefined
}
/** What lines say, as far as rules read it. */
export type LineContent = {
  readonly condition?: Condition
  readonly validTo?: string
  readonly treasuryCode?: string
  readonly account?: string
  readonly leadBranch?: string
  readonly from?: string
  readonly to?: string
  readonly policy?: BankPolicy
  readonly verdict?: Assessment['verdict']
  readonly [name: string]: unknown
}

/** 报解专户: the account of a bank's lead branch that remits to one treasury (art. 29(2)), from a day on until the next begins, or its last day. */
export type RemittanceAccount = {
  readonly bankCode: string
  readonly treasuryCode: string
  readonly account: string
  readonly leadBranch: string
  readonly from: string
  readonly to?: string
}
/** 合同参数: what a bank promises from a day on. */
export type Contract = { readonly from: string; readonly policy: BankPolicy }
/** 评估 of a bank in a city (art. 31): up to which day, and whether it does what is asked of it. */
export type Assessment = { readonly to: string; readonly verdict: 'meets' | 'fails' }
/** What the gateway itself measured of a bank in a city: of the debits that were sent to it, how many … */
export type Figures = {
  readonly sent: number
  readonly succeeded: number
  readonly refused: number
  /** Not settled yet. */
  readonly open: number
  /** Their outcome was unknown at some time. */
  readonly inDoubt: number
  /** Settled within so long of their acceptance. */
  readonly within1s: number
  readonly within5s: number
  readonly within1min: number
  readonly within1h: number
  /** Where record and bank differed. */
  readonly breaks: number
}
/** 卷宗: all that the registry holds about one bank. */
export type Dossier = {
  /** Undefined: it never applied. */
  readonly province: QualificationState | undefined
  readonly cities: ReadonlyMap<string, CityState>
  /** The last of each city. */
  readonly assessments: ReadonlyMap<string, Assessment>
  /** The conditions of art. 27 for which there is evidence, since it last applied. */
  readonly evidence: ReadonlySet<Condition>
  /** The last day of the information centre's certificate. */
  readonly certificateValidTo: string | undefined
  /** By treasury, in the order in which they begin. */
  readonly accounts: ReadonlyMap<string, readonly RemittanceAccount[]>
  /** In the order in which they begin. */
  readonly contracts: readonly Contract[]
}
/** The registry at one moment. */
export type Registry = {
  /** How many lines it has: another number, and something has changed. */
  readonly lines: number
  readonly dossiers: ReadonlyMap<string, Dossier>
}

/** A bank about which there is no line. */
export const noDossier: Dossier = {
  province: undefined,
  cities: new Map(),
  assessments: new Map(),
  evidence: new Set(),
  certificateValidTo: undefined,
  accounts: new Map(),
  contracts: [],
}

/** The last that begins on or before `day`; of those that begin on one day the one that was written last. */
export const inForce = <T extends { readonly from: string }>(terms: readonly T[], day: string): T | undefined =>
  terms.findLast(({ from }) => from <= day)
/** The same of terms that may have a last day. */
export const inForceOn = <T extends { readonly from: string; readonly to?: string }>(terms: readonly T[], day: string): T | undefined => {
  const found = inForce(terms, day)
  return found && (found.to ?? day) >= day ? found : undefined
}
const addTerm = <T extends { readonly from: string }>(terms: readonly T[], term: T): readonly T[] => {
  const at = terms.findLastIndex(({ from }) => from <= term.from) + 1
  return [...terms.slice(0, at), term, ...terms.slice(at)]
}

const withAccount = (dossier: Dossier, { bankCode, content }: RegistryLine): Dossier => {
  const { treasuryCode = '', account = '', leadBranch = '', from = '', to } = content
  const term = { bankCode, treasuryCode, account, leadBranch, from, ...(to === undefined ? {} : { to }) }
  return { ...dossier, accounts: new Map(dossier.accounts).set(treasuryCode, addTerm(dossier.accounts.get(treasuryCode) ?? [], term)) }
}
const withContract = (dossier: Dossier, { content: { from = '', policy } }: RegistryLine): Dossier =>
  policy ? { ...dossier, contracts: addTerm(dossier.contracts, { from, policy }) } : dossier

const after = (dossier: Dossier, line: RegistryLine): Dossier => {
  const { event, cityCode, content, state } = line
  if (event === 'assess') {
    const { to = '', verdict = 'meets' } = content
    return { ...dossier, assessments: new Map(dossier.assessments).set(cityCode ?? '', { to, verdict }) }
  }
  if (cityCode !== undefined) return { ...dossier, cities: new Map(dossier.cities).set(cityCode, state as CityState) }
  if (event === 'account') return withAccount(dossier, line)
  if (event === 'contract') return withContract(dossier, line)
  const province = state as QualificationState
  // A new application is judged by new papers.
  if (event === 'apply') return { ...dossier, province, evidence: new Set(), certificateValidTo: undefined }
  if (event === 'evidence' && content.condition) return { ...dossier, evidence: new Set([...dossier.evidence, content.condition]) }
  if (event === 'certify' || event === 'renew') return { ...dossier, province, certificateValidTo: content.validTo }
  return event === 'decertify' ? { ...dossier, province, certificateValidTo: undefined } : { ...dossier, province }
}

/** The dossier that the lines of one bank, in their order, make. */
export const dossierOf = (lines: readonly RegistryLine[]): Dossier => lines.reduce(after, noDossier)

/** The registry that lines in their order make. */
export const registryOf = (lines: readonly RegistryLine[]): Registry => ({
  lines: lines.length,
  dossiers: new Map([...Map.groupBy(lines, ({ bankCode }) => bankCode)].map(([code, own]) => [code, dossierOf(own)])),
})

/** What a move is judged by besides the dossier. */
export type Order = {
  readonly event: ProvinceEvent | CityEvent | Entry
  readonly cityCode: string | undefined
  readonly content: LineContent
}
/** The state that an order leads to, or why it cannot be. */
export type Moved = { readonly state: string } | Objection

const objection = (rule: string, zh: string, en: string): Objection => ({ rule, zh, en })
const notRegistered = objection('bank-not-registered', '该银行没有申请在案', 'this bank has no application on file')
const over = objection('application-over', '申请已被拒绝或资格已取消', 'it was declined or revoked')
const provinceFirst = objection(
  'bank-not-qualified',
  '省里尚未认定资格,或已暂停、取消(第二十七条)',
  'the province has not qualified it (art. 27)',
)
const noStep = (state: string | undefined, event: string): Objection =>
  objection('no-such-step', `当前状态 ${state ?? '—'} 不能 ${event}`, `from ${state ?? 'nothing'} there is no ${event}`)
const gapsAre = (gaps: readonly (Condition | 'certificate')[]): Objection =>
  objection(
    'conditions-without-evidence',
    `缺:${gaps.map(gap => (gap === 'certificate' ? '有效的技术认证' : conditions[gap].zh)).join(';')}`,
    `missing: ${gaps.map(gap => (gap === 'certificate' ? 'a certificate in force' : conditions[gap].en)).join('; ')}`,
  )

const longAgo = objection('certificate-over', '有效期至已过的日期', 'the certificate would be over already')
const notYet = objection('assessment-of-the-future', '评估期间还没有过完', 'the time that is assessed is not over yet')
const noTime = objection('no-time-to-assess', '起日不晚于止日,至多一年', 'it begins before it ends, and is a year at most')
const wasAssessed = objection('assessed-already', '这段期间已评估过', 'this time has been assessed already')

// What takes a bank back or away in a city does not ask how the province stands to it.
const backwards: ReadonlySet<string> = new Set<CityEvent>(['return', 'suspend', 'revoke'])

// What opens a city to a bank, or opens it again, rests on what the province has qualified it by.
const openings: ReadonlySet<string> = new Set<CityEvent>(['approve', 'activate', 'resume'])

const inCity = (dossier: Dossier, cityCode: string, event: CityEvent, today: string): Moved => {
  const from = dossier.cities.get(cityCode)
  if (!backwards.has(event) && dossier.province !== 'qualified') return provinceFirst
  // 31: what a city has revoked is prepared anew, from the beginning.
  if (event === 'prepare') return from === undefined || from === 'revoked' ? { state: 'preparing' } : noStep(from, event)
  const state = from === undefined ? undefined : cityMachine.next(from, event)
  if (state === undefined) return noStep(from, event)
  const gaps = openings.has(event) ? qualificationGaps(dossier.evidence, dossier.certificateValidTo, today) : []
  return gaps.length > 0 ? gapsAre(gaps) : { state }
}

const inProvince = (dossier: Dossier, event: ProvinceEvent, { validTo }: LineContent, today: string): Moved => {
  const from = dossier.province
  if (event === 'apply') return from === undefined || from === 'declined' ? { state: 'applied' } : noStep(from, event)
  if (from === undefined) return notRegistered
  const state = qualificationMachine.next(from, event)
  if (state === undefined) return noStep(from, event)
  if (event === 'certify' && validTo !== undefined && validTo < today) return longAgo
  if (event !== 'qualify' && event !== 'resume') return { state }
  const gaps = qualificationGaps(dossier.evidence, dossier.certificateValidTo, today)
  return gaps.length > 0 ? gapsAre(gaps) : { state }
}

/** A paper, an account or a contract is kept as long as something may come of it. */
const kept = ({ province }: Dossier): Moved => {
  if (province === undefined) return notRegistered
  return qualificationMachine.isFinal(province) ? over : { state: province }
}
/** 续期: while a bank has a certificate, another takes its place without a step back; a bank that is at work is not certified from the beginning. */
const renewed = ({ province }: Dossier, { validTo = '' }: LineContent, today: string): Moved => {
  if (province === undefined) return notRegistered
  if (province !== 'certified' && province !== 'qualified' && province !== 'suspended') return noStep(province, 'renew')
  return validTo < today ? longAgo : { state: province }
}
/** Whether a time is one to look at as a whole: it begins before it ends, and is a year at most. */
export const isTimeToAssess = (from: string, to: string): boolean => from <= to && Date.parse(to) - Date.parse(from) <= 366 * 86_400_000

/** 31: a city assesses, time after time, what is open to its taxpayers, or was. */
const assessed = ({ cities, assessments }: Dossier, cityCode: string, { from = '', to = '' }: LineContent, today: string): Moved => {
  const state = cities.get(cityCode)
  if (state !== 'active' && state !== 'suspended') return noStep(state, 'assess')
  if (!isTimeToAssess(from, to)) return noTime
  if (to >= today) return notYet
  return from <= (assessments.get(cityCode)?.to ?? '') ? wasAssessed : { state }
}

/** Judges an order about a bank, as its dossier stands: the state it leads to, or what stands against it. */
export const judgeLine = (dossier: Dossier, { event, cityCode, content }: Order, today: string): Moved => {
  if (event === 'evidence' || event === 'account' || event === 'contract') return kept(dossier)
  if (event === 'renew') return renewed(dossier, content, today)
  if (event === 'assess') return assessed(dossier, cityCode ?? '', content, today)
  return cityCode === undefined
    ? inProvince(dossier, event as ProvinceEvent, content, today)
    : inCity(dossier, cityCode, event as CityEvent, today)
}
