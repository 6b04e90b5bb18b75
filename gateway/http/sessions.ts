import { officesOf } from '../domain/operator.ts'
import { shanghaiTime } from '../domain/time.ts'
import type { Flow } from '../flows/flow.ts'
import { shownAccount } from '../flows/operator-kinds.ts'
import { csrfToken } from '../flows/secrets.ts'
import { changePassword, type Enrolling, enrol, giveCode, type Keys, type Shown, signIn } from '../flows/sign-in.ts'
import { openAllowance } from './allowance.ts'
import type { App, Request } from './app.ts'
import { cookieOf, noCookie } from './cookie.ts'
import { type Going, operatorIn } from './duties.ts'
import { Refusal } from './problem.ts'
import { sessionOperations } from './session-operations.ts'

const minute = 60_000
/** Tries to prove who one is that an address may make in a minute, and all addresses together: working out a password costs. */
const perAddress = 10
const perProcess = 300

const refused = () => new Refusal(401, 'sign-in-refused')
/** A password that will not do, where it stands in the body. */
const weak = (pointer: string, why: { readonly zh: string; readonly en: string }) =>
  new Refusal(422, 'invalid-request', { errors: [{ pointer, ...why }] })

/** Binds the operations of signing in and of accounts to a server. */
export const sessionRoutes = (app: App, flow: Flow, keys: Keys): void => {
  const allowance = openAllowance(perAddress, perProcess, minute)
  const counted = (request: Pick<Request, 'ip'>): void => {
    const waitMs = allowance.take(request.ip, flow.clock().getTime())
    if (waitMs > 0) throw new Refusal(429, 'too-many', { headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) } })
  }
  const me = async (name: string, session: Pick<Going, 'csrf' | 'endsAt'> | null) => {
    const account = await flow.store.operators.find(name)
    const level = account && flow.reference().offices.get(account.office)?.level
    if (!account || level === undefined) throw new Refusal(403, 'not-permitted')
    return {
      name,
      displayName: account.displayName,
      officeCode: account.office,
      level,
      duties: [...account.duties],
      ...(session ? { by: 'session', csrfToken: session.csrf, endsAt: shanghaiTime(session.endsAt) } : { by: 'certificate' }),
    }
  }

  app.route<{ Body: Shown }>({
    ...sessionOperations.signIn,
    handler: async (request, reply) => {
      counted(request)
      const begun = await signIn(flow, keys, request.body, flow.clock())
      if (!begun) throw refused()
      reply.code(201).header('set-cookie', cookieOf(begun.token))
      return me(begun.account.name, { csrf: csrfToken(begun.token), endsAt: begun.endsAt })
    },
  })

  app.route({
    ...sessionOperations.signOut,
    handler: async (request, reply) => {
      const { session } = request
      if (session) await flow.store.sessions.end(session.tokenHash, operatorIn(request).name, flow.clock())
      return reply.code(204).header('set-cookie', noCookie).send()
    },
  })

  app.route({
    ...sessionOperations.getMe,
    handler: request => me(operatorIn(request).name, request.session),
  })

  app.route<{ Body: { readonly password: string; readonly code: string; readonly next: string } }>({
    ...sessionOperations.changePassword,
    handler: async request => {
      counted(request)
      const { name } = operatorIn(request)
      const changed = await changePassword(flow, keys, { ...request.body, name }, request.session?.tokenHash, flow.clock())
      // Somebody else at the desk learns no more than at the door.
      if (changed === 'refused') throw new Refusal(403, 'sign-in-refused')
      if (changed !== 'changed') throw weak('/next', changed)
      return me(name, request.session)
    },
  })

  app.route<{ Body: { readonly proposalId: number } }>({
    ...sessionOperations.giveCode,
    handler: async (request, reply) => {
      const given = await giveCode(flow, keys, request.body.proposalId, operatorIn(request).uri, flow.clock())
      if (!given) throw new Refusal(404, 'not-found')
      reply.code(201)
      return { ...given, expiresAt: shanghaiTime(given.expiresAt) }
    },
  })

  app.route<{ Body: Enrolling }>({
    ...sessionOperations.enrol,
    handler: async (request, reply) => {
      counted(request)
      const enrolled = await enrol(flow, keys, request.body, flow.clock())
      if (enrolled === 'refused') throw refused()
      if ('zh' in enrolled) throw weak('/password', enrolled)
      reply.code(201)
      return enrolled
    },
  })

  app.route<{ Querystring: { readonly cursor?: string; readonly limit: number } }>({
    ...sessionOperations.listOperators,
    handler: async request => {
      const { cursor = '', limit } = request.query
      const found = await flow.store.operators.list(officesOf(flow.reference(), operatorIn(request)), cursor, limit + 1)
      const last = found.length > limit ? found[limit - 1] : undefined
      return { operators: found.slice(0, limit).map(shownAccount), ...(last ? { next: last.name } : {}) }
    },
  })
}
