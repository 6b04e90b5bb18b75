import plugin from 'fastify-plugin'
import { type Account, type Duty, hasDuty, type Operator, operatorName, operatorOf } from '../domain/operator.ts'
import type { Flow } from '../flows/flow.ts'
import { csrfToken, isSame } from '../flows/secrets.ts'
import { sessionOf } from '../flows/sign-in.ts'
import type { App, Request } from './app.ts'
import { tokenIn } from './cookie.ts'
import { Refusal } from './problem.ts'

/** The session by which somebody calls. */
export type Going = { readonly tokenHash: string; readonly csrf: string; readonly endsAt: Date }

declare module 'fastify' {
  interface FastifyRequest {
    /** The person who calls; null where it is none. */
    operator: Operator | null
    /** Their session; null where they call by certificate. */
    session: Going | null
  }
  interface FastifyContextConfig {
    /** Only for operators with one of these duties. */
    duty?: readonly Duty[]
  }
}

/** The operator who calls; that there is one was checked before the route ran. */
export const operatorIn = ({ operator }: Pick<Request, 'operator'>): Operator => {
  if (!operator) throw new Refusal(401, 'unauthenticated')
  return operator
}

const changesNothing = new Set(['GET', 'HEAD'])

/**
 * Tells which operator calls, by certificate or by session, and by the account as it stands now: neither opens anything without an enabled account,
 * and a route of operators that does not say for which duty is for nobody.
 */
const recognise = async (app: App, { flow }: { readonly flow: Flow }): Promise<void> => {
  app.decorateRequest('operator', null)
  app.decorateRequest('session', null)
  const accountOf = async (request: Request): Promise<Account | undefined> => {
    const uri = request.identity?.uri
    if (uri !== undefined) {
      const name = operatorName(uri)
      return name === undefined ? undefined : flow.store.operators.find(name)
    }
    const token = tokenIn(request.headers.cookie)
    const session = token === undefined ? undefined : await sessionOf(flow, token, flow.clock())
    if (token === undefined || !session) throw new Refusal(401, 'unauthenticated', { detail: 'NO_SESSION' })
    const csrf = csrfToken(token)
    const shown = request.headers['x-csrf-token']
    // A browser sends the cookie by itself; what a page of ours knows besides, another site does not.
    if (!changesNothing.has(request.method) && !(typeof shown === 'string' && isSame(shown, csrf))) throw new Refusal(403, 'csrf')
    request.session = { tokenHash: session.tokenHash, csrf, endsAt: session.endsAt }
    return session.account
  }
  app.addHook('onRequest', async request => {
    const { role, duty = [] } = request.routeOptions.config
    if (role !== 'operator') return
    const operator = operatorOf(flow.reference(), await accountOf(request))
    if (!operator || !hasDuty(operator, duty)) throw new Refusal(403, 'not-permitted')
    request.operator = operator
  })
}

/** The operators' own check, behind that of the certificates. */
export const recognised = plugin(recognise, { name: 'duties', fastify: '5.x' })
