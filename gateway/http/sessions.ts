import { officesOf } from '../domain/operator.ts'
import { placeRules } from '../domain/sign-in.ts'
import { shanghaiTime } from '../domain/time.ts'
import type { Flow } from '../flows/flow.ts'
import { shownAccount } from '../flows/operator-kinds.ts'
import { csrfToken } from '../flows/secrets.ts'
import { changePassword, type Enrolling, enrol, giveCode, type Keys, type Shown, signIn } from '../flows/sign-in.ts'
import type { Moment } from '../store/operators.ts'
import { type Allowance, machineOf, openAllowance } from './allowance.ts'
import type { App, Request } from './app.ts'
import { cookieOf, noCookie } from './cookie.ts'
import { type Going, operatorIn } from './duties.ts'
import { Refusal } from './problem.ts'
import { sessionOperations } from './session-operations.ts'

/** Tries to prove who one is that all may make together in a minute, in this process, good ones as well: working out a password costs. */
const perProcess = 300

const refused = () => new Refusal(401, 'sign-in-refused')
/** A password that will not do, where it stands in the body. */
const weak = (pointer: string, why: { readonly zh: string; readonly en: string }) =>
  new Refusal(422, 'invalid-request', { errors: [{ pointer, ...why }] })

/** Binds the operations of signing in and of accounts to a server. */
export const sessionRoutes = (app: App, flow: Flow, keys: Keys): void => {
  const { ofAll, ofName } = placeRules
  const [ofPlace, ofPlaceAndName] = [openAllowance(ofAll.most, perProcess, ofAll.ms), openAllowance(ofName.most, Infinity, ofName.ms)]
  /** Tries something; only what is refused (undefined) counts against the place it comes from: an office behind one address is not kept out by its own. */
  const counted = async <T>(
    request: Pick<Request, 'ip'>,
    name: string | undefined,
    work: (at: Moment) => Promise<T | undefined>,
  ): Promise<T | undefined> => {
    const now = flow.clock()
    const place = machineOf(request.ip)
    const taken: (() => void)[] = []
    const giveBack = () => {
      for (const back of taken) back()
    }
    const limits: readonly (readonly [Allowance, string])[] = [
      [ofPlace, place],
      ...(name === undefined ? [] : [[ofPlaceAndName, `${place} ${name}`] as const]),
    ]
    for (const [allowance, who] of limits) {
      const waitMs = allowance.take(who, now.getTime())
      if (waitMs > 0) {
        giveBack()
        throw new Refusal(429, 'too-many', { headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) } })
      }
      taken.push(() => allowance.giveBack(who))
    }
    const done = await work({ now, from: request.ip }).catch((error: unknown) => {
      giveBack()
      throw error
    })
    if (done !== undefined) giveBack()
    return done
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
      const begun = await counted(request, request.body.name, at => signIn(flow, keys, request.body, at))
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
      const { name } = operatorIn(request)
      const changed = await counted(request, name, at =>
        changePassword(flow, keys, { ...request.body, name }, request.session?.tokenHash, at),
      )
      // Somebody else at the desk learns no more than at the door.
      if (changed === undefined) throw new Refusal(403, 'sign-in-refused')
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
      // Its codes are too long to be guessed, whoever's they are.
      const enrolled = await counted(request, undefined, at => enrol(flow, keys, request.body, at))
      if (!enrolled) throw refused()
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
