import { type Problem, problemOf, Refusal } from './problem.ts'

// The statuses with which an operation refuses: what each means, and an example for the reference page.

const refusals: { readonly [status: number]: { readonly description: string; readonly example: Refusal } } = {
  400: {
    description: '请求无法理解 / the request cannot be understood',
    example: new Refusal(400, 'duplicate', {
      detail: 'the name stands twice in one object',
      errors: [{ pointer: '/amount', zh: '内容重复出现', en: 'something stands twice', offset: 278 }],
    }),
  },
  401: {
    description: '未提供有效的客户端证书或会话 / no valid client certificate or session',
    example: new Refusal(401, 'unauthenticated', { detail: 'CERT_HAS_EXPIRED' }),
  },
  403: { description: '该身份无权进行此操作 / this identity may not do that', example: new Refusal(403, 'not-permitted') },
  404: { description: '没有这条记录 / there is no such record', example: new Refusal(404, 'not-found') },
  409: {
    description: '编号已用于其他内容,或与当前情况不符 / the number was used for other content, or things do not stand so',
    example: new Refusal(409, 'content-differs', { hash: 'c0ffee'.padEnd(64, '0'), acceptedHash: '5eed'.padEnd(64, '0') }),
  },
  413: { description: '请求过大 / the request is too large', example: new Refusal(413, 'too-large') },
  415: {
    description: '只接受 UTF-8 的 application/json / only application/json in UTF-8',
    example: new Refusal(415, 'unsupported', { detail: 'only application/json in UTF-8' }),
  },
  422: {
    description: '内容不符合定义 / the content does not fit its definition',
    example: new Refusal(422, 'invalid-request', { errors: [{ pointer: '/items/0/amount', zh: '应当为 >= 1', en: 'must be >= 1' }] }),
  },
  429: { description: '尝试过于频繁 / too many tries', example: new Refusal(429, 'too-many') },
  500: { description: '内部错误 / internal error', example: new Refusal(500, 'internal') },
  507: {
    description: '没有存放的余地,稍后原样再送 / there is no room for it; send the same again later',
    example: new Refusal(507, 'no-room'),
  },
  503: { description: '系统繁忙,稍后原样重发 / busy; send the same again later', example: new Refusal(503, 'overloaded') },
}

/** What a status means and the problem that comes with it. */
export const refusalAt = (status: number): { readonly description: string; readonly example: Problem } => {
  const found = refusals[status]
  if (!found) throw new Error(`status ${status} is not described`)
  return { description: found.description, example: problemOf(found.example, '6f1d3a52-0c1b-4a8e-9a39-2f6f4a1f7c55') }
}
