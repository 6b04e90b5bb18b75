import { date, debitRequest, digits, type Fields, type Kind, oneOf, optional, text } from '@taxlink/bank-sdk'
import type { BankPolicy } from '../domain/bank.ts'
import type { Objection } from '../domain/proposal.ts'
import { cityOf, type Reference } from '../domain/reference.ts'
import { type Dossier, inForceOn, judgeLine, type Moved } from '../domain/registry.ts'
import { shanghaiDate } from '../domain/time.ts'
import type { Deeds } from '../store/proposals.ts'
import { policySchema, wrongPolicy } from '../store/reference.ts'
import type { NewLine } from '../store/registry.ts'
import type { Flow } from './flow.ts'
import { type Approval, byOperators, kindOf, nothing, type Place, type Stand } from './kind.ts'

// What nobody does to a bank's agency alone: admit it, take it away, name an account that taxes go to, change its contract.

const { officeCode, treasuryCode, remittanceAccount } = debitRequest.fields

/** The bank a line of the registry is about. */
export const bankCode = digits('银行代码', 'bank code', 4)
/** The office of the city it is about. */
export const cityCode: typeof officeCode = { ...officeCode, zh: '市州局机关代码', en: 'office of the city' }
/** The paper that a line rests on. */
export const paper = {
  paperNo: text('文号', 'number of the paper', 60),
  paperDate: date('文件日期', 'date of the paper'),
} satisfies Fields
const policy: Kind<BankPolicy> = { zh: '合同参数(全部)', en: 'all parameters of the contract', schema: policySchema }
const from = date('生效日期', 'in force from this day on')
const paperExample = { paperNo: '湘国税函〔2026〕88号', paperDate: '2026-11-02' }

const objection = (rule: string, zh: string, en: string): Objection => ({ rule, zh, en })
const bankUnknown = objection('bank-unknown', '基础资料里没有该银行', 'the reference data has no such bank')
const cityUnknown = objection('city-unknown', '基础资料里没有该市州的征收机关', 'the reference data has no office of this city')
const treasuryUnknown = objection('treasury-unknown', '基础资料里没有该国库', 'the reference data has no such treasury')
const tooLate = objection('begins-in-the-past', '生效日期已过', 'it would begin in the past')
const noAccount = objection(
  'no-remittance-account',
  '该银行在该市州没有报解专户(第二十九条第二项)',
  'the bank has no remittance account in this city (art. 29(2))',
)

/** What an order assumes of the reference data and of the day, as they are: undefined where it is so. */
const unfounded = (
  reference: Reference,
  { bankCode: bank, cityCode: city, event, content }: NewLine,
  today: string,
): Objection | undefined => {
  if (!reference.banks.has(bank)) return bankUnknown
  if (city !== undefined && reference.offices.get(city)?.level !== 'city') return cityUnknown
  if (event === 'account' && !reference.treasuries.has(content.treasuryCode ?? '')) return treasuryUnknown
  return (event === 'account' || event === 'contract') && (content.from ?? '') < today ? tooLate : undefined
}

/** The same judgement when it is proposed, when it is approved, and when one person is enough. */
export const judgeOrder =
  (reference: Reference, line: NewLine) =>
  (dossier: Dossier, now: Date): Moved => {
    const today = shanghaiDate(now)
    const objection = unfounded(reference, line, today)
    if (objection) return objection
    const moved = judgeLine(dossier, line, today)
    if ('rule' in moved) return moved
    return line.event === 'activate' && !remitsIn(reference, dossier, line.cityCode, today) ? noAccount : moved
  }

/** What stands against an order of this kind about a bank, as things stand. */
export const objectionToLine = async (flow: Flow, line: NewLine, now: Date): Promise<Objection | undefined> => {
  const moved = judgeOrder(flow.reference(), line)(await flow.store.registry.dossier(line.bankCode), now)
  return 'rule' in moved ? moved : undefined
}

/** Whether the bank has an account for any treasury of the city's offices. */
const remitsIn = (reference: Reference, { accounts }: Dossier, city: string | undefined, today: string): boolean =>
  [...reference.offices.values()].some(
    ({ code, treasuryCode: to }) =>
      to !== undefined && cityOf(reference, code) === city && inForceOn(accounts.get(to) ?? [], today) !== undefined,
  )

const stands = async (flow: Flow, line: NewLine, now: Date): Promise<Stand> => ({
  about: undefined,
  officeCode: line.cityCode,
  ...(await objectionToLine(flow, line, now)),
})
/** What a kind of proposal about a bank does: it writes the line that its content makes. */
const written = <C>(lineOf: (content: C) => NewLine) => ({
  stand: (flow: Flow, content: C, now: Date): Promise<Stand> => stands(flow, lineOf(content), now),
  apply: (deeds: Deeds, content: C, { reference }: Approval): Promise<Objection | undefined> => {
    const line = lineOf(content)
    return deeds.register(line, judgeOrder(reference, line))
  },
})

type BankContent = { readonly bankCode: string; readonly cityCode?: string; readonly event: NewLine['event'] }
const moveOf = (content: BankContent): NewLine => ({
  bankCode: content.bankCode,
  cityCode: content.cityCode,
  event: content.event,
  content,
})

/** 省里认定、暂停、恢复、取消一家银行的资格 (art. 27, 31). */
export const moveBank = kindOf(
  { bankCode, event: oneOf('动作', 'what is done', ['qualify', 'suspend', 'resume', 'revoke']), ...paper },
  {
    zh: '认定、暂停、恢复、取消银行的代理资格(全省)',
    en: 'qualify, suspend, resume or revoke a bank in the province',
    ...byOperators('information-centre'),
    example: { bankCode: '4301', event: 'qualify', ...paperExample },
    subject: content => content.bankCode,
    wrong: nothing,
    ...written(moveOf),
  },
)

const pbocPaperNo = optional(text('人民银行批复文号(批准时必填)', 'number of the People’s Bank’s paper, to approve', 60))
const approvals = ({ event, pbocPaperNo: no }: { readonly event: string; readonly pbocPaperNo?: string }): readonly Place[] => {
  if ((event === 'approve') === (no !== undefined)) return []
  const pointer = '/pbocPaperNo'
  return event === 'approve'
    ? [{ pointer, zh: '须由市州局与人民银行共同批复(第二十九条第五项)', en: 'both the city and the People’s Bank approve (art. 29(5))' }]
    : [{ pointer, zh: '该动作不得填此项', en: 'this is not for that step' }]
}

/** 市州批准、开通、暂停、恢复、取消 (art. 27, 29(5), 31). */
export const moveBankInCity = kindOf(
  {
    bankCode,
    cityCode,
    event: oneOf('动作', 'what is done', ['approve', 'activate', 'suspend', 'resume', 'revoke']),
    ...paper,
    pbocPaperNo,
  },
  {
    zh: '批准、开通、暂停、恢复、取消银行在一个市州的代理',
    en: 'approve, activate, suspend, resume or revoke a bank in a city',
    ...byOperators('information-centre'),
    example: { bankCode: '4301', cityCode: '14301000000', event: 'approve', ...paperExample, pbocPaperNo: '长银发〔2026〕31号' },
    subject: content => `${content.bankCode}/${content.cityCode}`,
    wrong: approvals,
    ...written(moveOf),
  },
)

/** 报解专户与主办行 (art. 29(2)): from a day on, until the next begins or its last day. */
export const setAccount = kindOf(
  {
    bankCode,
    treasuryCode,
    account: remittanceAccount,
    leadBranch: text('主办行', 'lead branch', 60),
    from,
    to: optional(date('最后一日', 'last day')),
    ...paper,
  },
  {
    zh: '登记报解专户与主办行',
    en: 'set a remittance account and its lead branch',
    ...byOperators('information-centre'),
    example: {
      bankCode: '4301',
      treasuryCode: '18010000',
      account: '4301018010000000009',
      leadBranch: '湘江银行长沙分行营业部',
      from: '2026-12-01',
      ...paperExample,
    },
    subject: content => `${content.bankCode}/${content.treasuryCode}`,
    wrong: ({ from: begins, to }) =>
      to !== undefined && to < begins ? [{ pointer: '/to', zh: '早于生效日期', en: 'before it begins' }] : [],
    ...written(content => ({ bankCode: content.bankCode, cityCode: undefined, event: 'account', content })),
  },
)

/** 合同参数: what the rules of doubt are decided by changes on a day, by two persons, and what it was before stays known. */
export const changeContract = kindOf(
  { bankCode, from, policy, ...paper },
  {
    zh: '变更银行的合同参数',
    en: 'change the parameters of a bank’s contract',
    ...byOperators('information-centre'),
    example: {
      bankCode: '4301',
      from: '2026-12-01',
      policy: {
        dedupe: 'by-key',
        inquiry: true,
        reversal: 'any',
        tombstones: true,
        dayEnd: '23:00',
        quiescenceMs: 5_000,
        inquiryLadderMs: [1_000, 5_000, 60_000, 3_600_000],
        redeliveryLadderMs: [1_000, 5_000, 60_000],
        timeoutMs: 3_000,
        concurrency: 128,
        connections: 4,
        pipeline: 64,
        perSecond: 5_000,
        linkTestMs: 60_000,
      },
      ...paperExample,
    },
    subject: content => content.bankCode,
    wrong: ({ policy: given }) => wrongPolicy(given).map(({ name, zh, en }) => ({ pointer: `/policy/${name}`, zh, en })),
    ...written(content => ({ bankCode: content.bankCode, cityCode: undefined, event: 'contract', content })),
  },
)
