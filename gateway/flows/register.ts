import { date, type Fields, type FieldValues, oneOf, text } from '@taxlink/bank-sdk'
import { type Operator, sees } from '../domain/operator.ts'
import { type Condition, conditions } from '../domain/qualification.ts'
import { cityOf } from '../domain/reference.ts'
import type { Figures } from '../domain/registry.ts'
import type { LineOrdered, NewLine } from '../store/registry.ts'
import type { Flow } from './flow.ts'
import { bankCode, cityCode, judgeOrder, objectionToLine, paper } from './registry-kinds.ts'

// What one person enters in the banks' registry: papers as they come in. None of it admits a bank.

/** A line that one person may write: its article, its titles, what it says. */
type LineKind = {
  readonly article: string
  readonly zh: string
  readonly en: string
  readonly content: Fields
  readonly example: { readonly [name: string]: unknown }
}
const kind = <const F extends Fields>(article: string, zh: string, en: string, content: F, example: FieldValues<F>): LineKind => ({
  article,
  zh,
  en,
  content,
  example,
})

const why = { reason: text('原因', 'why', 200) } satisfies Fields
const stated = (zh: string, en: string) => text(zh, en, 100)
const [inProvince, inCity] = [{ bankCode }, { bankCode, cityCode }]
const said = { paperNo: '湘江银发〔2026〕12号', paperDate: '2026-10-12' }
const [bank, place] = [{ bankCode: '4301' }, { bankCode: '4301', cityCode: '14301000000' }]

/** Every line that one person may write, by its event. */
export const lineKinds = {
  apply: kind('27', '受理申请', 'an application is taken', { ...inProvince, ...paper }, { ...bank, ...said }),
  evidence: kind(
    '27',
    '某项条件的依据',
    'evidence of a condition',
    {
      ...inProvince,
      condition: oneOf('第二十七条的条件', 'condition of article 27', Object.keys(conditions) as Condition[]),
      finding: text('核实情况', 'what was found', 200),
      ...paper,
    },
    { ...bank, condition: 'software', finding: '全省联网,联调通过', ...said },
  ),
  agree: kind('27', '签订《电子缴税合作协议》', 'the cooperation agreement is signed', { ...inProvince, ...paper }, { ...bank, ...said }),
  certify: kind(
    '6(1)',
    '信息中心技术认证',
    'the information centre’s certificate',
    { ...inProvince, validTo: date('有效期至', 'last day'), ...paper },
    { ...bank, validTo: '2028-10-31', ...said },
  ),
  renew: kind(
    '6(1)',
    '技术认证续期',
    'the certificate is renewed',
    { ...inProvince, validTo: date('有效期至', 'last day'), ...paper },
    { ...bank, validTo: '2030-10-31', ...said },
  ),
  decertify: kind(
    '6(1)',
    '收回技术认证',
    'the certificate is withdrawn',
    { ...inProvince, ...why, ...paper },
    { ...bank, reason: '改造后未复测', ...said },
  ),
  decline: kind(
    '27',
    '不予认定',
    'the application is declined',
    { ...inProvince, ...why, ...paper },
    { ...bank, reason: '未开办通存通兑', ...said },
  ),
  prepare: kind('29', '市州开始准备', 'a city begins to prepare', { ...inCity, ...paper }, { ...place, ...said }),
  report: kind(
    '29(5)',
    '书面报告准备情况',
    'the bank reports that it is ready',
    {
      ...inCity,
      training: stated('宣传培训(第二十九条第一项)', 'training (art. 29(1))'),
      leadBranch: stated('主办行与报解专户(第二项)', 'lead branch and account (art. 29(2))'),
      printing: stated('凭证与打印程序(第三项)', 'vouchers and printing (art. 29(3))'),
      clearing: stated('支库、清算号已报省行科技部(第四项)', 'treasuries and clearing numbers (art. 29(4))'),
      ...paper,
    },
    {
      ...place,
      training: '全辖网点已培训',
      leadBranch: '长沙分行营业部',
      printing: '两种凭证已试打',
      clearing: '三个支库已报',
      ...said,
    },
  ),
  inspect: kind(
    '29(5)',
    '国税与人民银行共同考察',
    'tax bureau and People’s Bank inspect together',
    {
      ...inCity,
      taxParty: stated('国税考察人', 'of the tax bureau'),
      pbocParty: stated('人民银行考察人', 'of the People’s Bank'),
      ...paper,
    },
    { ...place, taxParty: '市局征管科', pbocParty: '人民银行国库科', ...said },
  ),
  assess: kind(
    '31',
    '定期评估',
    'the city assesses the bank',
    {
      ...inCity,
      from: date('评估期间起', 'first day that is assessed'),
      to: date('评估期间止', 'last day'),
      verdict: oneOf('结论:达到或达不到要求', 'whether it does what is asked of it', ['meets', 'fails']),
      finding: text('评估意见', 'what was found', 200),
      ...paper,
    },
    { ...place, from: '2026-07-01', to: '2026-09-30', verdict: 'meets', finding: '超时率偏高,已约谈', ...said },
  ),
  return: kind(
    '29(5)',
    '退回准备',
    'sent back to prepare',
    { ...inCity, ...why, ...paper },
    { ...place, reason: '报解专户尚未备案', ...said },
  ),
} as const satisfies { readonly [E in NewLine['event']]?: LineKind }
/** What one person may enter. */
export type LineEvent = keyof typeof lineKinds

// What is done by two persons, by its article.
const ofTwo: { readonly [E in NewLine['event']]?: string } = {
  qualify: '27',
  approve: '29(5)',
  activate: '29(5)',
  suspend: '31',
  resume: '31',
  revoke: '31',
  account: '29(2)',
  contract: '27',
}
const ofOne: { readonly [event: string]: LineKind } = lineKinds
/** The article that a line rests on. */
export const articleOf = (event: NewLine['event']): string => ofTwo[event] ?? ofOne[event]?.article ?? ''

/** What a person enters; the content fits the schema of its event. */
export type LineOrder = {
  /** The person's own number: the same number and content is the same line. */
  readonly orderNo: string
  readonly event: LineEvent
  readonly content: NewLine['content'] & { readonly bankCode: string; readonly cityCode?: string }
}

/** The line as it is kept: its fields in the order of their declaration, so that the same content is the same text. */
export const lineOf = ({ event, content }: Pick<LineOrder, 'event' | 'content'>): NewLine => ({
  bankCode: content.bankCode,
  cityCode: content.cityCode,
  event,
  content: Object.fromEntries(
    Object.keys(lineKinds[event].content).flatMap(name => (content[name] === undefined ? [] : [[name, content[name]]])),
  ),
})

/** The debits of a city at a bank, as the gateway measured them. */
export const figuresOf = (flow: Flow, bankCode: string, city: string, from: string, to: string): Promise<Figures> => {
  const offices = [...flow.reference().offices.keys()].filter(code => cityOf(flow.reference(), code) === city)
  return flow.store.registry.figures(bankCode, offices, from, to)
}
/** 31: an assessment stands with what was measured when it was made, whatever is said of it. */
const measured = async (flow: Flow, line: NewLine): Promise<NewLine> => {
  const { event, bankCode, cityCode, content } = line
  if (event !== 'assess' || cityCode === undefined) return line
  return { ...line, content: { ...content, figures: await figuresOf(flow, bankCode, cityCode, content.from ?? '', content.to ?? '') } }
}

/** One person enters a line. What was entered before under this number is answered first, whatever has become of the bank since. */
export const register = async (
  flow: Flow,
  operator: Operator,
  order: LineOrder,
  now: Date,
): Promise<LineOrdered | { readonly kind: 'absent' }> => {
  const [line, by] = [lineOf(order), operator.uri]
  if (!sees(flow.reference(), operator, line.cityCode)) return { kind: 'absent' }
  const known = await flow.store.registry.findOrder(by, order.orderNo, line)
  if (known) return known
  const objection = await objectionToLine(flow, line, now)
  if (objection) return { kind: 'objected', objection }
  const written = await flow.store.registry.add(await measured(flow, line), order.orderNo, judgeOrder(flow.reference(), line), {
    now,
    actor: by,
  })
  if (written.kind === 'written')
    flow.note({ event: 'registered', bankCode: line.bankCode, detail: `line ${written.line.id} ${line.event} by ${by}` })
  return written
}
