import { debitRequest } from '@taxlink/bank-sdk'
import { duties, levels } from '../domain/operator.ts'
import { instant, property, text } from './schemas.ts'

// The shapes of signing in and of the operators' accounts.

const { officeCode } = debitRequest.fields
const body = <P extends object>($id: string, title: string, properties: P, example: { [K in keyof P]: unknown }) =>
  ({ $id, title, type: 'object', additionalProperties: false, required: Object.keys(properties), properties, examples: [example] }) as const
const name = { type: 'string', title: '用户名 / name', pattern: '^[a-z0-9-]{1,40}$' }
const password = (title: string) => ({ type: 'string', title, minLength: 1, maxLength: 256, writeOnly: true })
const code = { type: 'string', title: '动态码 / code of the authenticator', pattern: '^[0-9]{6}$', writeOnly: true }
const half = (title: string) => ({ type: 'string', title, pattern: '^[A-Z2-7]{16}$', writeOnly: true })
const invented = '正确的马 电池 订书钉'

const account = {
  name,
  displayName: text('姓名 / the person’s name'),
  officeCode: property(officeCode),
  duties: { type: 'array', title: '岗位 / duties', items: { type: 'string', enum: [...duties] } },
}
const accountExample = { name: 'zhang', displayName: '张敏', officeCode: '14300000000', duties: ['binding-review', 'accounts'] }
const csrfToken = {
  type: 'string',
  title: '写操作须放入 X-CSRF-Token 的令牌 / to be shown in X-CSRF-Token with whatever changes something',
  pattern: '^[0-9a-f]{64}$',
}

/** Who signs in. */
export const signInSchema = body(
  'SignIn',
  '登录 / sign-in',
  { name, password: password('口令 / password'), code },
  {
    name: 'zhang',
    password: invented,
    code: '287082',
  },
)
/** Who is signed in. */
export const meSchema = {
  $id: 'Me',
  title: '当前操作员 / the operator who calls',
  type: 'object',
  additionalProperties: false,
  required: ['name', 'displayName', 'officeCode', 'level', 'duties', 'by'],
  properties: {
    ...account,
    level: { type: 'string', title: '机关级次 / level of the office', enum: [...levels] },
    by: { type: 'string', title: '凭证书还是会话 / by certificate or session', enum: ['certificate', 'session'] },
    csrfToken,
    endsAt: instant('会话最晚结束 / the session ends at', '2026-11-10T22:00:00.000+08:00'),
  },
  examples: [
    { ...accountExample, level: 'province', by: 'session', csrfToken: 'c0ffee'.padEnd(64, '0'), endsAt: '2026-11-10T22:00:00.000+08:00' },
  ],
} as const
/** Another password. */
export const passwordChangeSchema = body(
  'PasswordChange',
  '改口令 / change of a password',
  {
    password: password('现在的口令 / the present one'),
    code,
    next: password('新口令,至少 12 个字符 / the new one, at least 12 characters'),
  },
  { password: invented, code: '287082', next: '另一匹马 电池 订书钉' },
)
/** Who takes a code. */
export const codeOrderSchema = body(
  'EnrolmentCodeOrder',
  '取登记码 / take a code for an enrolment',
  { proposalId: { type: 'integer', title: '新设或重置账户的提案号 / the proposal that made or reset the account', minimum: 1 } },
  { proposalId: 17 },
)
/** The code of one of two administrators. */
export const enrolmentCodeSchema = body(
  'EnrolmentCode',
  '登记码,只显示这一次 / a code for an enrolment, shown this once',
  {
    name,
    code: { ...half('登记码 / the code'), writeOnly: false, readOnly: true },
    expiresAt: instant('过期时间 / expires at', '2026-11-11T10:00:00.000+08:00'),
  },
  { name: 'chen', code: 'JBSWY3DPEHPK3PXP', expiresAt: '2026-11-11T10:00:00.000+08:00' },
)
/** Who enrols. */
export const enrolmentSchema = body(
  'Enrolment',
  '登记口令 / enrolment',
  {
    name,
    proposerCode: half('提出者给的码 / the code of the one who proposed'),
    approverCode: half('批准者给的码 / the code of the one who approved'),
    password: password('自选口令,至少 12 个字符 / a password of one’s own, at least 12 characters'),
  },
  { name: 'chen', proposerCode: 'JBSWY3DPEHPK3PXP', approverCode: 'KRSXG5CTMVRXEZLU', password: invented },
)
/** What an enrolment gives. */
export const enrolledSchema = body(
  'Enrolled',
  '已登记 / enrolled',
  { otpauth: { type: 'string', title: '动态码的密钥,只显示这一次 / what the authenticator reads, shown this once', readOnly: true } },
  { otpauth: 'otpauth://totp/TaxLink:chen?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=TaxLink&algorithm=SHA1&digits=6&period=30' },
)
/** An account. */
export const operatorSchema = body(
  'Operator',
  '操作员账户 / account of an operator',
  {
    ...account,
    uri: text('提案和日志里的名字 / the name in proposals and journals'),
    state: { type: 'string', title: '状态 / state', enum: ['enabled', 'disabled'] },
  },
  { ...accountExample, uri: 'urn:taxlink:operator:zhang', state: 'enabled' },
)
/** A page of accounts. */
export const operatorPageSchema = {
  $id: 'OperatorPage',
  title: '账户列表 / page of accounts',
  type: 'object',
  additionalProperties: false,
  required: ['operators'],
  properties: { operators: { type: 'array', items: { $ref: 'Operator#' } }, next: text('下一页的 cursor / cursor of the next page') },
} as const

/** Every shape of these that has a name. */
export const sessionShapes = [
  signInSchema,
  meSchema,
  passwordChangeSchema,
  codeOrderSchema,
  enrolmentCodeSchema,
  enrolmentSchema,
  enrolledSchema,
  operatorSchema,
  operatorPageSchema,
] as const
