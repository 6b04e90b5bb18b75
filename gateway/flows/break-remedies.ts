import type { RequestOf, TaxItem } from '@taxlink/bank-sdk'
import { afterFailure } from '../domain/break-remedy.ts'
import type { Level } from '../domain/operator.ts'
import { later } from '../domain/time.ts'
import type { By, HeldBreak } from '../store/break-life.ts'
import type { Instruction } from '../store/debits.ts'
import { inquiryOf } from './attempt.ts'
import type { Flow } from './flow.ts'
import type { FurtherVerdict } from './further.ts'
import { reverseOriginal } from './reverse.ts'
import { openSecondSessions } from './session-breaks.ts'
import type { Slots } from './slots.ts'
import { supplementDebit } from './supplement.ts'

// The remedies of breaks (art. 35): what goes by itself, what an operator starts, what became of either, and who hears of what was left lying.

/** Under this name the gateway orders what no tax system has ordered: the reversal of an excess, a supplementary debit that an operator starts. */
export const ownOrders = 'urn:taxlink:gateway'
const atOnce = 100
const dayMs = 86_400_000

/** Carries on the remedies that go by themselves; returns how many breaks moved. */
export const advanceBreaks = async (flow: Flow, slots: Slots): Promise<number> => {
  const by = { now: flow.clock(), actor: flow.owner }
  let moved = 0
  for (const held of await flow.store.breakLife.chosen('reverse', atOnce)) if (await reverseExcess(flow, slots, held, by)) moved++
  for (const { verdict, ...held } of await flow.store.breakLife.underWay(atOnce)) if (await concludeRemedy(flow, held, verdict, by)) moved++
  await openSecondSessions(flow)
  return moved + (await escalateBreaks(flow))
}

/** 冲正 of the excess before the bank's day-end (35(1)), under a number that is the break's own: found again, it is ordered once. */
const reverseExcess = async (flow: Flow, slots: Slots, held: HeldBreak, by: By): Promise<boolean> => {
  const { id, instructionId, ticketNo, excess } = held
  const [original] = instructionId === null ? [] : await flow.store.load([instructionId])
  if (!original || excess === null || excess <= 0)
    return flow.store.breakLife.stepBreak(id, 'choose', 'nothing that could be reversed', { remedy: 'investigate' }, by)
  const orderNo = `break-${id}`
  await reverseOriginal(flow, slots, ownOrders, original, { orderNo, ticketNo, amount: excess, reason: 'over-debited' })
  const ordered = await flow.store.findOrder({ taxSystem: ownOrders, kind: 'reversal', orderNo })
  if (!ordered) return false
  return flow.store.breakLife.stepBreak(id, 'begin', `35(1): reversal of ${excess} fen`, { remedyBy: ordered.instructionId }, by)
}

/** The instruction of a remedy has come to its end. */
const concludeRemedy = async (flow: Flow, held: HeldBreak, verdict: 'succeeded' | 'refused' | 'void', by: By): Promise<boolean> => {
  const { id, remedy, remedyBy } = held
  const closedBy = remedyBy ?? undefined
  const change = closedBy === undefined ? {} : { closedBy }
  if (verdict === 'succeeded') return flow.store.breakLife.stepBreak(id, 'remedy', `${remedy}: done`, change, by)
  // art. 35(3): 补划缴不成功的,作「作废」处理,然后再次对账.
  if (verdict === 'void') return flow.store.breakLife.stepBreak(id, 'void', '35(3): the bank refused it, the ticket is void', change, by)
  const failed = await flow.store.breakLife.stepBreak(id, 'fail', `${remedy}: refused`, {}, by)
  const next = remedy === null ? 'investigate' : afterFailure(remedy)
  if (failed && next !== remedy)
    await flow.store.breakLife.stepBreak(id, 'choose', `${remedy} was refused`, { remedy: next, remedyBy: null }, by)
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
 * `absent`: no such break. `unfit`: its remedy is another, or it is under way. `items`: they have to be given. `at-the-bank`: asked, the bank says that it
 * has the debit which its file lacks; `unclear`: it did not say that it has not.
 */
export type SupplementVerdict =
  | { readonly kind: 'absent' | 'unfit' | 'items' | 'at-the-bank' | 'unclear' }
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
  const { ticketNo, excess, remedy } = held
  const number = `break-${breakId}-${orderNo}`.slice(0, 32)
  const known = await flow.store.findOrder({ taxSystem: ownOrders, kind: 'supplementaryDebit', orderNo: number })
  const isWanted = remedy === 'supplement' || remedy === 'supplement-missing'
  if (!isWanted || excess === null || excess >= 0 || (!known && held.state !== 'chosen' && held.state !== 'failed'))
    return { kind: 'unfit' }
  const found = await flow.store.find(ticketNo)
  const [debit] = found ? await flow.store.load([found.instructionId]) : []
  if (!debit) return { kind: 'unfit' }
  const amount = -excess
  const given = items ?? itemsOf(JSON.parse(debit.request) as RequestOf<'debit'>, amount)
  if (!given) return { kind: 'items' }
  const reason = remedy === 'supplement' ? 'under-debited' : 'bank-missing'
  const stands = known || reason === 'under-debited' ? 'missing' : await askBank(flow, debit)
  if (stands !== 'missing') return { kind: stands }
  const verdict = await supplementDebit(flow, slots, ownOrders, debit, { orderNo: number, ticketNo, reason, amount, items: [...given] })
  const ordered = await flow.store.findOrder({ taxSystem: ownOrders, kind: 'supplementaryDebit', orderNo: number })
  const by = { now: flow.clock(), actor }
  if (held.state === 'failed') await flow.store.breakLife.stepBreak(breakId, 'choose', 'once more', { remedyBy: null }, by)
  if (ordered && !known) {
    const why = `${remedy === 'supplement' ? '35(2)' : '35(3)'}: supplementary debit of ${amount} fen`
    await flow.store.breakLife.stepBreak(breakId, 'begin', why, { remedyBy: ordered.instructionId }, by)
  }
  return { kind: 'ordered', verdict, instructionId: ordered?.instructionId }
}

/**
 * What the bank itself says of a debit that its file lacks. One that it has, under its next day perhaps, must not be debited a second time: the next
 * session will show it. A bank that cannot be asked has only its file to say so.
 */
const askBank = async (flow: Flow, { bankCode, request }: Instruction): Promise<'missing' | 'at-the-bank' | 'unclear'> => {
  const policy = flow.reference().banks.get(bankCode)?.policy
  if (!policy?.inquiry) return 'missing'
  const asked = inquiryOf(JSON.parse(request) as RequestOf<'debit'>)
  const { answer } = await flow.call(bankCode, 'inquiry', asked, policy.timeoutMs)
  if (answer.kind !== 'answered') return 'unclear'
  const { code, class: is } = answer.outcome
  if (is === 'succeeded') return 'at-the-bank'
  return code === '94054' || is === 'refused' ? 'missing' : 'unclear'
}

/** The items of a supplementary debit where they follow from the original: all of them, or the only one with another amount. */
const itemsOf = ({ items, amount: whole }: RequestOf<'debit'>, amount: number): readonly TaxItem[] | undefined => {
  if (amount === whole) return items
  const [only] = items
  return items.length === 1 && only ? [{ ...only, amount }] : undefined
}
