import { finish, turn } from '../domain/agreement-steps.ts'
import { later, monthAfter, shanghaiDate } from '../domain/time.ts'
import type { Deed } from '../store/agreements.ts'
import { ask } from './ask.ts'
import type { Flow } from './flow.ts'

// What the calendar does to agreements, whichever worker comes first: each step is a move of its own, so that it goes on where it was broken off.

const chunk = 200
/**
 * How long an agreement that is to end is left alone: a debit that had passed the gate before may still be on its way into the record, for as long as a
 * statement may wait for its answer.
 */
export const endGraceMs = 60_000

/** Activates, renews and lapses what is due today (art. 8(4), annex 2 §14); returns how many. */
export const turnCalendar = async (flow: Flow): Promise<number> => {
  const now = flow.clock()
  let turned = 0
  for (;;) {
    const due = await flow.store.agreements.dueOn(shanghaiDate(now), chunk)
    let moved = 0
    for (const agreementNo of due) {
      const decide = (agreement: Parameters<typeof turn>[0]): Deed => ({
        stepping: turn(agreement, now) ?? 'repeated',
        reason: 'by the calendar',
      })
      if ((await flow.store.agreements.move(agreementNo, decide, { now, actor: flow.owner })).kind === 'moved') moved++
    }
    turned += moved
    // What another worker moves meanwhile is not found again; what cannot be moved must not be tried for ever.
    if (due.length < chunk || moved === 0) return turned
  }
}

/** Ends what is to end and has nothing pending any more (art. 10), and the banks are told; returns how many. */
export const endAgreements = async (flow: Flow): Promise<number> => {
  const now = flow.clock()
  let ended = 0
  for (let after = 0; ; ) {
    const { found, last } = await flow.store.agreements.endable(later(now, -endGraceMs), after, chunk)
    for (const agreementNo of found) {
      const decide = (agreement: Parameters<typeof finish>[0]): Deed => ({
        stepping: finish(agreement),
        reason: 'nothing is pending under it',
      })
      if ((await flow.store.agreements.move(agreementNo, decide, { now, actor: flow.owner })).kind === 'moved') ended++
    }
    if (last === undefined) return ended
    after = last
  }
}

/** On the last day of a month each bank is told how many bindings are in force, and the digest of their list (art. 44); returns how many were told. */
export const syncMonth = async (flow: Flow): Promise<number> => {
  const now = flow.clock()
  const today = shanghaiDate(now)
  const { agreements } = flow.store
  if (shanghaiDate(later(now, 86_400_000)) === monthAfter(today))
    for (const bankCode of flow.reference().banks.keys()) await agreements.beginSync(bankCode, today.slice(0, 7), now)
  let told = 0
  for (const sync of await agreements.dueSyncs(now)) {
    const policy = flow.reference().banks.get(sync.bankCode)?.policy
    const [officeCode] = flow.reference().offices.keys()
    if (!policy || officeCode === undefined) continue
    const key = sync.key ?? { entrustDate: today, serialNo: await flow.store.takeSerial(officeCode, today) }
    const leaseUntil = later(now, policy.timeoutMs + flow.leaseMs)
    if (!(await agreements.claimSync(sync, key, now, leaseUntil))) continue
    const { inForce, suspended, digest } = sync
    const message = { officeCode, ...key, month: sync.month.replace('-', ''), inForce, suspended, digest }
    const said = await ask(flow, sync.bankCode, 'monthlySync', message, policy.timeoutMs)
    const code = said.kind === 'answered' ? said.reply.result.code : undefined
    // Nobody answers for a bank that does not know this message.
    const over = said.kind === 'unsendable' || (said.kind === 'answered' && said.reply.result.class !== 'unknown')
    await agreements.settleSync(sync, code, over ? undefined : later(flow.clock(), 300_000))
    if (code !== undefined && code !== '90000')
      flow.note({ event: 'trouble', bankCode: sync.bankCode, code, detail: `the bank holds other bindings than we do: ${sync.month}` })
    told++
  }
  return told
}
