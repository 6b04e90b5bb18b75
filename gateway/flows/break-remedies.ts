import type { RequestOf, TaxItem } from '@taxlink/bank-sdk'
import { afterFailure } from '../domain/break-remedy.ts'
import { isWithin } from '../domain/break-whole.ts'
import type { Level } from '../domain/operator.ts'
import { haltedBanks } from '../domain/reference.ts'
import { later } from '../domain/time.ts'
import type { By, HeldBreak } from '../store/break-steps.ts'
import type { Flow } from './flow.ts'
import { type FurtherVerdict, ownOrders } from './further.ts'
import { reverseOriginal } from './reverse.ts'
import { dateBreaks, openSecondSessions } from './session-breaks.ts'
import type { Slots } from './slots.ts'
import { supplementDebit } from './supplement.ts'

// The remedies of breaks (art. 35): what goes by itself, what an operator starts, what became of either, and who hears of what was left lying.

const atOnce = 100
const dayMs = 86_400_000

/** Carries on the remedies that go by themselves; returns how many breaks moved. What fails of one keeps no other waiting. */
export const advanceBreaks = async (flow: Flow, slots: Slots): Promise<number> => {
  // What it ordered would be due by a clock that is off.
  if (!flow.isTimely()) return 0
  const by = { now: flow.clock(), actor: flow.owner }
  const { breakLife } = flow.store
  let moved = await dateBreaks(flow)
  // A halted bank gets nothing: refused for that, an excess would be a notice's for good. Its deadline brings it before a person meanwhile.
  const excesses = await breakLife.chosen('reverse', atOnce, haltedBanks(flow.reference()))
  moved += await eachBreak(flow, excesses, held => reverseExcess(flow, slots, held, by))
  // Ordered, and broken off before the break knew.
  const unlinked = await breakLife.unlinked(ownOrders, atOnce)
  moved += await eachBreak(flow, unlinked, ({ orderedId, ...held }) => beginSupplement(flow, held, orderedId, by))
  moved += await eachBreak(flow, await breakLife.underWay(atOnce), ({ verdict, ...held }) => concludeRemedy(flow, held, verdict, by))
  moved += await escalateBreaks(flow)
  await openSecondSessions(flow)
  return moved
}

const eachBreak = async <B extends HeldBreak>(flow: Flow, breaks: readonly B[], step: (held: B) => Promise<boolean>): Promise<number> => {
  let moved = 0
  for (const held of breaks)
    try {
      if (await step(held)) moved++
    } catch (error) {
      flow.note({ event: 'trouble', bankCode: held.bankCode, ticketNo: held.ticketNo, detail: `break ${held.id}: ${String(error)}` })
    }
  return moved
}

/**
 * 冲正 of the excess before the bank's day-end (35(1)), under a number that is the break's own: found again, it is ordered once. Only what is too much as
 * things stand: what was given back since, at whoever's wish, does not go back a second time.
 */
const reverseExcess = async (flow: Flow, slots: Slots, held: HeldBreak, by: By): Promise<boolean> => {
  const { id, instructionId, ticketNo, bankCode, excess } = held
  const investigate = (why: string): Promise<boolean> =>
    flow.store.breakLife.stepBreak(id, 'choose', why, { remedy: 'investigate' }, by, isAs(held))
  const [original] = instructionId === null ? [] : await flow.store.load([instructionId])
  if (!original || excess === null || excess <= 0) return investigate('nothing that could be reversed')
  const orderNo = `break-${id}`
  const key = { taxSystem: ownOrders, kind: 'reversal', orderNo } as const
  if (!(await flow.store.findOrder(key))) {
    // Halted since that was read.
    if (flow.reference().banks.get(bankCode)?.halt) return false
    const standing = await flow.store.breakLife.standing(bankCode, ticketNo)
    // What is under way may be just this: the next round looks again.
    if (standing.isOpen) return false
    if (!isWithin(standing, excess)) return investigate('given back otherwise: the next session shows')
    const order = { orderNo, ticketNo, amount: excess, reason: 'over-debited' } as const
    await reverseOriginal(flow, slots, ownOrders, original, order, ticket => ticket.movements.length === standing.movements)
  }
  const ordered = await flow.store.findOrder(key)
  if (!ordered) return false
  return flow.store.breakLife.stepBreak(id, 'begin', `35(1): reversal of ${excess} fen`, { remedyBy: ordered.instructionId }, by)
}

/** Whether a break still stands as it was read. */
const isAs =
  ({ state, remedy }: HeldBreak) =>
  (now: HeldBreak): boolean =>
    now.state === state && now.remedy === remedy

/** The instruction of a remedy has come to its end. */
const concludeRemedy = async (flow: Flow, held: HeldBreak, verdict: 'succeeded' | 'refused' | 'void', by: By): Promise<boolean> => {
  const { id, remedy, remedyBy } = held
  const closedBy = remedyBy ?? undefined
  const change = closedBy === undefined ? {} : { closedBy }
  if (verdict === 'succeeded') return flow.store.breakLife.stepBreak(id, 'remedy', `${remedy}: done`, change, by)
  // art. 35(3): 补划缴不成功的,作「作废」处理,然后再次对账.
  if (verdict === 'void') return flow.store.breakLife.stepBreak(id, 'void', '35(3): the bank refused it, the ticket is void', change, by)
  const next = remedy === null ? 'investigate' : afterFailure(remedy)
  // The failure and what is left to do in one: nothing comes between.
  const steps = next === remedy ? (['fail'] as const) : (['fail', 'choose'] as const)
  const left = next === remedy ? {} : { remedy: next, remedyBy: null }
  const failed = await flow.store.breakLife.stepBreak(id, steps, `${remedy}: refused`, left, by)
  if (failed)
    flow.note({
      event: 'trouble',
      bankCode: held.bankCode,
      ticketNo: held.ticketNo,
      detail: `the remedy of break ${id} was refused: ${remedy}`,
    })
  return failed
}

/** Breaks beyond their deadline come before the city, and a day later before the province; returns how many. */
export const escalateBreaks = async (flow: Flow): Promise<number> => {
  const by = { now: flow.clock(), actor: flow.owner }
  let raised = 0
  const levels: readonly (readonly [Level, Date])[] = [
    ['province', later(by.now, -dayMs)],
    ['city', by.now],
  ]
  for (const [level, before] of levels)
    for (const { id, bankCode, ticketNo } of await flow.store.breakLife.overdue(by.now, level, before, atOnce)) {
      if (!(await flow.store.breakLife.escalate(id, level, by))) continue
      raised++
      flow.note({ event: 'trouble', bankCode, ticketNo, detail: `break ${id} is over its deadline: before the ${level}` })
    }
  return raised
}

/** What an operator orders: its number, and the items where they do not follow from the original. */
export type SupplementStart = { readonly breakId: number; readonly orderNo: string; readonly items: readonly TaxItem[] | undefined }
/**
 * `absent`: no such break. `unfit`: its remedy is another, or it is under way. `items`: they have to be given. `otherwise`: so much is not missing any more.
 * `at-the-bank`, `unclear`: what the bank says of a debit that its file lacks.
 */
export type SupplementVerdict =
  | { readonly kind: 'absent' | 'unfit' | 'items' | 'otherwise' | 'at-the-bank' | 'unclear' }
  | { readonly kind: 'ordered'; readonly verdict: FurtherVerdict; readonly instructionId: number | undefined }

/** 补充划缴 of what a break lacks (35(2), 35(3)), from the account of the ticket's debit, by one operator. */
export const supplementBreak = async (
  flow: Flow,
  slots: Slots,
  { breakId, orderNo, items }: SupplementStart,
  actor: string,
): Promise<SupplementVerdict> => {
  const held = await flow.store.breakLife.heldBreak(breakId)
  if (!held) return { kind: 'absent' }
  const { ticketNo, bankCode, excess, remedy } = held
  const number = `break-${breakId}-${orderNo}`.slice(0, 32)
  const key = { taxSystem: ownOrders, kind: 'supplementaryDebit', orderNo: number } as const
  const known = await flow.store.findOrder(key)
  const isWanted = remedy === 'supplement' || remedy === 'supplement-missing'
  if (!isWanted || excess === null || excess >= 0 || (!known && held.state !== 'chosen' && held.state !== 'failed'))
    return { kind: 'unfit' }
  const found = await flow.store.find(ticketNo)
  const [debit] = found?.bankCode === bankCode ? await flow.store.load([found.instructionId]) : []
  if (!debit) return { kind: 'unfit' }
  const amount = -excess
  const given = items ?? itemsOf(JSON.parse(debit.request) as RequestOf<'debit'>, amount)
  if (!given) return { kind: 'items' }
  // By all sessions, and by what has moved since.
  if (!known && !isWithin(await flow.store.breakLife.standing(bankCode, ticketNo), excess)) return { kind: 'otherwise' }
  const reason = remedy === 'supplement' ? 'under-debited' : 'bank-missing'
  const verdict = await supplementDebit(flow, slots, ownOrders, debit, { orderNo: number, ticketNo, reason, amount, items: [...given] })
  if (verdict.kind === 'at-the-bank' || verdict.kind === 'unclear') return verdict
  const ordered = await flow.store.findOrder(key)
  if (ordered && !known) await beginSupplement(flow, held, ordered.instructionId, { now: flow.clock(), actor })
  return { kind: 'ordered', verdict, instructionId: ordered?.instructionId }
}

/** The break knows the instruction that remedies it; false: it is past that already. */
const beginSupplement = (flow: Flow, held: HeldBreak, instructionId: number, by: By): Promise<boolean> => {
  const { id, state, remedy, excess } = held
  const why = `${remedy === 'supplement' ? '35(2)' : '35(3)'}: supplementary debit of ${-(excess ?? 0)} fen`
  const steps = state === 'failed' ? (['choose', 'begin'] as const) : (['begin'] as const)
  return flow.store.breakLife.stepBreak(id, steps, why, { remedyBy: instructionId }, by)
}

/** The items of a supplementary debit where they follow from the original: all of them, or the only one with another amount. */
const itemsOf = ({ items, amount: whole }: RequestOf<'debit'>, amount: number): readonly TaxItem[] | undefined => {
  if (amount === whole) return items
  const [only] = items
  return items.length === 1 && only ? [{ ...only, amount }] : undefined
}
