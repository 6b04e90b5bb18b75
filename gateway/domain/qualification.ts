import { machine } from './machine.ts'

/**
 * 资格认定 of a bank in the province (art. 6(1), 27): application with evidence, 合作协议, the information centre's technical certificate, the decision of
 * the collection department. The province suspends or revokes everywhere (art. 31).
 */
export const qualificationMachine = machine('qualification', {
  applied: { agree: 'agreed', decline: 'declined' },
  agreed: { certify: 'certified', decline: 'declined' },
  certified: { qualify: 'qualified', decertify: 'agreed', decline: 'declined' },
  qualified: { suspend: 'suspended', revoke: 'revoked' },
  suspended: { resume: 'qualified', revoke: 'revoked' },
  declined: {},
  revoked: {},
})
export type QualificationState = keyof typeof qualificationMachine.table
/** What moves a bank in the province; `apply` is how a case begins. */
export type ProvinceEvent = 'apply' | Parameters<typeof qualificationMachine.next>[1]

/**
 * 开通 of a bank in one city (art. 27, 29(5), 31): written readiness report, joint inspection by the tax bureau and the People's Bank, approval of both.
 * The city suspends or revokes for itself.
 */
export const cityMachine = machine('city', {
  preparing: { report: 'reported' },
  reported: { inspect: 'ready', return: 'preparing' },
  ready: { approve: 'approved', return: 'preparing' },
  approved: { activate: 'active', return: 'preparing' },
  active: { suspend: 'suspended', revoke: 'revoked' },
  suspended: { resume: 'active', revoke: 'revoked' },
  revoked: {},
})
export type CityState = keyof typeof cityMachine.table
/** What moves a bank in a city; `prepare` is how it begins there. */
export type CityEvent = 'prepare' | Parameters<typeof cityMachine.next>[1]

/** The four conditions of art. 27; each needs evidence before the province decides. */
export const conditions = {
  standing: {
    article: '27(1)',
    zh: '网点覆盖面广,无严重违规或资金案件,商业信誉良好',
    en: 'coverage, no grave breach or money case, good credit',
  },
  software: {
    article: '27(2)',
    zh: '软件开发能力,全省联网,达到税银联网数据传输要求',
    en: 'software ability, province-wide network, data transfer',
  },
  clearing: { article: '27(3)', zh: '通存通兑,参加同城票据交换', en: 'deposits and withdrawals everywhere, local clearing' },
  conduct: { article: '27(4)', zh: '及时准确划缴,不滞留挪用,积极协作', en: 'timely exact debit, no retention or diversion, co-operation' },
} as const
export type Condition = keyof typeof conditions

/** What stands in the way of a qualification: conditions without evidence, or a certificate that is missing or over on `today` (yyyy-MM-dd). */
export const qualificationGaps = (
  evidence: ReadonlySet<Condition>,
  certificateValidTo: string | undefined,
  today: string,
): (Condition | 'certificate')[] => [
  ...(Object.keys(conditions) as Condition[]).filter(condition => !evidence.has(condition)),
  ...(certificateValidTo !== undefined && certificateValidTo >= today ? [] : (['certificate'] as const)),
]

/** Only a qualified bank that is active in the taxpayer's city gets debits (art. 27, 31): the rule that forbids it, or undefined. */
export const bankGate = (
  province: QualificationState | undefined,
  city: CityState | undefined,
): 'bank-unknown' | 'bank-not-qualified' | 'bank-suspended' | 'bank-revoked' | 'bank-not-active-in-city' | undefined => {
  if (province === undefined) return 'bank-unknown'
  if (province === 'revoked' || city === 'revoked') return 'bank-revoked'
  if (province === 'suspended' || city === 'suspended') return 'bank-suspended'
  if (province !== 'qualified') return 'bank-not-qualified'
  return city === 'active' ? undefined : 'bank-not-active-in-city'
}
