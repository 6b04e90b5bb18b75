import { type Bank, type Exchange, echoOf, exchanges, Fault, type Heard, type Push, version } from '@taxlink/bank-sdk'
import { bankOf } from '#adapters'
import type { Flow } from '../flows/flow.ts'
import { hearBank } from '../flows/hear.ts'
import type { App, Request } from './app.ts'
import { bankOperations } from './bank-operations.ts'
import type { Operation } from './operation.ts'
import { Refusal } from './problem.ts'

/** Binds the operations of banks to a server: what a bank of the unified interface tells of its own accord (art. 8(3), annex 2 §§4, 12). */
export const bankRoutes = (app: App, flow: Flow): void => {
  for (const [push, operation] of Object.entries(bankOperations) as [keyof typeof bankOperations, Operation][])
    app.route({ ...operation, handler: request => heard(flow, callerBank(flow, request), push, request.body) })
}

/** The bank whose certificate calls. One that has a line of its own is heard there. */
const callerBank = (flow: Flow, { identity }: Request): Bank => {
  const code = identity?.uri.split(':').at(-1) ?? ''
  const bank = bankOf(code)
  if (!bank?.push || !flow.reference().banks.has(code)) throw new Refusal(403, 'not-permitted')
  return bank
}

const heard = async <P extends Push>(flow: Flow, bank: Bank, push: P, body: unknown): Promise<object> => {
  const message = messageOf(bank, push, body)
  const { reply } = exchanges[push]
  return { version, type: reply.id, ...echoOf(reply, message), result: await hearBank(flow, bank.code, push, message) }
}

/** The message by the bank's own declaration, which sees what a schema cannot: that the class of a result follows from its code. */
const messageOf = <P extends Push>(bank: Bank, push: P, body: unknown): Heard<P> => {
  const declared: { readonly [Q in Push]?: Exchange<Q> } = bank
  const exchange = declared[push]
  if (exchange?.request.layout !== 'json') throw new Refusal(403, 'not-permitted')
  try {
    return exchange.request.decode(Buffer.from(JSON.stringify(body)))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new Refusal(422, 'invalid-request', { errors: [{ pointer: `/${error.at.field ?? ''}`, zh: '内容不符合定义', en: error.detail }] })
  }
}
