import plugin from 'fastify-plugin'
import { type Duty, hasDuty, type Operator, operatorName, operatorOf } from '../domain/operator.ts'
import type { Flow } from '../flows/flow.ts'
import type { App, Request } from './app.ts'
import { Refusal } from './problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The person who calls; null where it is none. */
    operator: Operator | null
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

/**
 * Tells which operator calls, by the account as it stands now: a certificate without an enabled account opens nothing, and a route of operators
 * that does not say for which duty is for nobody.
 */
const recognise = async (app: App, { flow }: { readonly flow: Flow }): Promise<void> => {
  app.decorateRequest('operator', null)
  app.addHook('onRequest', async request => {
    const { role, duty = [] } = request.routeOptions.config
    if (role !== 'operator') return
    const name = operatorName(request.identity?.uri ?? '')
    const operator = name === undefined ? undefined : operatorOf(flow.reference(), await flow.store.operators.find(name))
    if (!operator || !hasDuty(operator, duty)) throw new Refusal(403, 'not-permitted')
    request.operator = operator
  })
}

/** The operators' own check, behind that of the certificates. */
export const recognised = plugin(recognise, { name: 'duties', fastify: '5.x' })
