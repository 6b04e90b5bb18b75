import type { OrderVerdict } from '../flows/accept.ts'
import type { Flow } from '../flows/flow.ts'
import { grouped } from '../store/group.ts'
import type { DebitView } from '../store/reads.ts'
import { Refusal } from './problem.ts'
import { acceptedJson, type DebitJson, debitJson } from './shapes.ts'

/** The debit of a ticket number, whoever's it is; undefined where there is none. */
export type Find = (ticketNo: string) => Promise<DebitView | undefined>

/** Reads of single debits share a statement when they come together. */
export const openFind = (flow: Flow): Find =>
  grouped(
    async (ticketNos: readonly string[]) => {
      const found = new Map((await flow.store.findMany([...new Set(ticketNos)])).map(view => [view.ticketNo, view]))
      return ticketNos.map(ticketNo => found.get(ticketNo))
    },
    { most: 100, lanes: 2 },
  )

/** A debit as it stands after an order for it, and whether it had been accepted before. */
export type Standing = { readonly debit: DebitJson; readonly repeated: boolean }

/** What an order of the tax system `uri` led to. Throws the refusal of an order that differs from the one accepted under its number. */
export const standingOf = async (find: Find, uri: string, ticketNo: string, verdict: OrderVerdict): Promise<Standing> => {
  if (verdict.kind === 'accepted') return { debit: acceptedJson(verdict.debit), repeated: false }
  const before = await find(ticketNo)
  // Another tax system holds the number: that it is taken is all there is to say.
  if (before?.taxSystem !== uri) throw new Refusal(409, 'content-differs')
  if (verdict.kind === 'repeated') return { debit: debitJson(before), repeated: true }
  throw new Refusal(409, 'content-differs', { hash: verdict.hash, acceptedHash: verdict.acceptedHash })
}
