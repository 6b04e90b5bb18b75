import type { Difference } from '../../gateway/domain/reconcile.ts'
import type { Held, SessionView } from '../../gateway/store/reconciliations.ts'
import type { Store } from '../../gateway/store/store.ts'

/** What a session is held of, when, and (where that counts) why. */
export type HeldOf = {
  readonly bankCode: string
  readonly accountingDate: string
  readonly workDate: string
  readonly now: Date
  readonly reason?: string
}

/** A day-end session as a match leaves it: these differences, and all that is booked so far. Held by the owner `one`. */
export const matchedSession = async (store: Store, of: HeldOf, found: readonly Difference[]): Promise<Held> => {
  const { bankCode, accountingDate, workDate, now, reason = '' } = of
  const lease = new Date(now.getTime() + 600_000)
  await store.reconciliations.open({ bankCode, accountingDate, workDate, kind: 'day-end', openedBy: 'test', reason, now })
  const claimed = await store.reconciliations.claim('one', now, lease)
  if (claimed?.session.accountingDate !== accountingDate || claimed.session.bankCode !== bankCode) throw new Error('another session is due')
  const { seq, totals } = await store.bookings.freeze(bankCode, accountingDate)
  let held: Held = claimed
  const step = async (event: 'freeze' | 'await' | 'take', state: SessionView['state'], change: object = {}) => {
    await store.reconciliations.move(held, event, { next: now, ...change }, lease)
    held = { ...held, session: { ...held.session, state } }
  }
  await step('freeze', 'frozen', { frozen: { seq, totals, at: now } })
  await step('await', 'awaited')
  await step('take', 'taken')
  const counts = Object.fromEntries([...Map.groupBy(found, d => d.type)].map(([type, own]) => [type, own.length]))
  await store.reconciliations.match(held, found, 1, { next: now, matched: { at: now, equal: 0, counts } })
  const again = await store.reconciliations.claim('one', now, lease)
  if (again?.session.session !== claimed.session.session) throw new Error('the session is not held')
  return again
}

/** What follows from it in the record: balanced, or differing. */
export const endSession = (store: Store, held: Held, balanced: boolean, now: Date): Promise<boolean> =>
  store.reconciliations.move(held, balanced ? 'balance' : 'differ', { next: null, done: now })
