import { bodyLimits } from './body.ts'
import { forOperators, json, limit, type Operation, problems, requestHeaders } from './operation.ts'

const tags = ['操作员 / operators']
const open = { open: true } as const
const anybody = forOperators()
const post = { method: 'POST', bodyLimit: bodyLimits.single } as const
const csrf = {
  'X-CSRF-Token': {
    type: 'string',
    description: '凭会话调用时必须带上 / needed with a session, not with a certificate',
    pattern: '^[0-9a-f]{64}$',
  },
}
const cookie = {
  'Set-Cookie': { type: 'string', description: '__Host-taxlink:会话,Secure、HttpOnly、SameSite=Strict / the session' },
}

/** The operations of signing in, and of the accounts. */
export const sessionOperations = {
  signIn: {
    ...post,
    url: '/v1/sessions',
    config: open,
    schema: {
      operationId: 'signIn',
      summary: '登录 / sign in',
      description:
        '口令加动态码。无论哪一项不对、有无此人、是否锁定,答复都一样;口令对而动态码连续五次不对,锁定十五分钟;口令不对的,记在来处账上(429)。 / Password and code. Whatever is wrong, whether or not there is such a person, locked or not, the answer is the same; five wrong codes in a row with the right password lock for fifteen minutes; wrong passwords count against the place they come from (429).',
      tags,
      headers: requestHeaders(),
      body: { $ref: 'SignIn#' },
      response: { 201: json('已登录 / signed in', { $ref: 'Me#' }, cookie), ...problems(400, 401, 413, 415, 422, 429) },
    },
  },
  signOut: {
    method: 'DELETE',
    url: '/v1/sessions/current',
    config: anybody,
    schema: {
      operationId: 'signOut',
      summary: '退出 / sign out',
      tags,
      headers: requestHeaders(csrf),
      response: { 204: { description: '已退出 / signed out', type: 'null' }, ...problems(400) },
    },
  },
  getMe: {
    method: 'GET',
    url: '/v1/operators/me',
    config: anybody,
    schema: {
      operationId: 'getMe',
      summary: '我是谁 / who I am',
      tags,
      headers: requestHeaders(),
      response: { 200: json('当前操作员 / the operator who calls', { $ref: 'Me#' }), ...problems(400) },
    },
  },
  changePassword: {
    ...post,
    url: '/v1/operators/me/password',
    config: anybody,
    schema: {
      operationId: 'changePassword',
      summary: '改口令 / change one’s password',
      description: '重新证明本人;本人的其他会话随即结束。 / Proves anew who one is; all other sessions of the person end.',
      tags,
      headers: requestHeaders(csrf),
      body: { $ref: 'PasswordChange#' },
      response: { 200: json('已改 / changed', { $ref: 'Me#' }), ...problems(400, 413, 415, 422, 429) },
    },
  },
  giveCode: {
    ...post,
    url: '/v1/enrolment-codes',
    config: forOperators('administrator'),
    schema: {
      operationId: 'giveCode',
      summary: '取登记码,交给本人 / take a code, for the person of the account',
      description:
        '新设或重置账户的提案批准后,提出者、批准者各取一个码,各自当面交给本人;两个码齐了才能登记,任何一名管理员都冒充不了。再取一次,前一个作废。 / After the approval proposer and approver take a code each, and hand it to the person; it takes both to enrol, so that no administrator alone can be somebody else. Taken again, the one before is void.',
      tags,
      headers: requestHeaders(csrf),
      body: { $ref: 'EnrolmentCodeOrder#' },
      response: {
        201: json('登记码,只显示这一次 / the code, shown this once', { $ref: 'EnrolmentCode#' }),
        ...problems(400, 404, 413, 415, 422),
      },
    },
  },
  enrol: {
    ...post,
    url: '/v1/enrolments',
    config: open,
    schema: {
      operationId: 'enrol',
      summary: '凭两个登记码自设口令 / choose a password, with both codes',
      tags,
      headers: requestHeaders(),
      body: { $ref: 'Enrolment#' },
      response: {
        201: json('动态码密钥,只显示这一次 / the secret of the authenticator, shown this once', { $ref: 'Enrolled#' }),
        ...problems(400, 401, 413, 415, 422, 429),
      },
    },
  },
  listOperators: {
    method: 'GET',
    url: '/v1/operators',
    config: forOperators('administrator', 'auditor'),
    schema: {
      operationId: 'listOperators',
      summary: '账户列表 / list of accounts',
      description:
        '本机关及下级机关的账户;增改停用经两名管理员的提案。 / Accounts of one’s own office and below; two administrators add and change them, by proposals.',
      tags,
      headers: requestHeaders(),
      querystring: {
        type: 'object',
        additionalProperties: false,
        properties: {
          cursor: { type: 'string', pattern: '^[a-z0-9-]{1,40}$', description: '上一页的 next / the `next` of the page before' },
          limit,
        },
      },
      response: { 200: json('一页 / a page', { $ref: 'OperatorPage#' }), ...problems(400) },
    },
  },
} as const satisfies { readonly [name: string]: Operation }
