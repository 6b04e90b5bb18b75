import type { AgreementStanding } from '../../gateway/domain/agreement.ts'
import type { Proposal } from '../../gateway/store/proposals.ts'
import type { Store } from '../../gateway/store/store.ts'
import { declareBreak, ticketOf } from './linked.ts'
import { keepLate, named, order, review, sawDay, stop } from './orders.ts'
import { accountOf, decide, haltsOf, keyed, proposalOf, propose } from './proposals.ts'
import type { Record } from './record.ts'
import type { ProposalRow } from './rows.ts'
import { feed, findDebit, findOrder, findStop, viewOf } from './views.ts'
import type { Host, World } from './world.ts'

/** What goes wrong with the record, each so often out of 1; `away` and `readOnly` as long as they are set. */
export type RecordFaults = {
  away: boolean
  readOnly: boolean
  /** Whether anything of the following was drawn at all; it stays after all has healed. */
  readonly troubled: boolean
  /** The connection breaks before the statement arrives. */
  lost: number
  /** The answer to a COMMIT never comes: applied, not applied, or applied a little later. */
  unknown: number
  deadlock: number
  /** The server takes long, up to `slowMs`. */
  slow: number
  slowMs: number
}

/** The record does not answer, or takes no writes. */
class Away extends Error {}
/** The COMMIT may have been applied. */
class CommitUnknown extends Error {}

const blockSize = 20
const notSimulated = (what: string) => (): never => {
  throw new Error(`${what} is not simulated`)
}

type Answer<F> = F extends (...args: never[]) => Promise<infer A> ? A : never

/** Tables without a row, in which the loops look for what is due: `found` is what they find; nothing else is asked. */
const empty = <T extends object>(found: { readonly [K in keyof T]?: Answer<T[K]> }): T =>
  new Proxy({} as T, {
    get: (_, name) => (name in found ? () => Promise.resolve(found[name as keyof T]) : notSimulated(String(name))),
  })

/** The record as one process sees it, through a connection that fails. */
export const openSimulatedStore = (
  world: World,
  host: Host,
  record: Record,
  faults: RecordFaults,
  agreements: ReadonlyMap<string, AgreementStanding>,
): Store => {
  const { random } = world
  const { tables } = record
  const chance = (kind: 'lost' | 'unknown' | 'deadlock' | 'slow'): boolean => {
    const happens = faults[kind] > 0 && random.next() < faults[kind]
    if (happens) world.fault(`record: ${kind}`)
    return happens
  }
  const latency = () => 1 + random.next() * (chance('slow') ? faults.slowMs : 8)
  const applying = <T>(writes: boolean | 'idly', apply: () => T): T => {
    const result = apply()
    if (writes === true) world.touch()
    return result
  }

  /** `idly`: a write of a round that found nothing, which no loop need hear of. */
  const ask = <T>(writes: boolean | 'idly', apply: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      const fail = (ms: number, error: Error): void => void world.into(host, ms, () => reject(error))
      const arrive = () => {
        if (faults.away || (writes && faults.readOnly) || chance('lost')) return fail(latency(), new Away('the record is away'))
        if (writes && chance('unknown')) {
          const fate = random.whole(0, 2)
          world.trace.add(world.now, 'record', 'unknown', fate)
          if (fate > 0) world.after(fate === 1 ? 0 : random.whole(1, 3_000), () => ignored(() => applying(writes, apply)))
          return fail(1 + latency(), new CommitUnknown('the outcome of the commit is unknown'))
        }
        if (writes && chance('deadlock')) return world.after(10, () => arrive())
        try {
          const result = applying(writes, apply)
          world.into(host, latency(), () => resolve(result))
        } catch (error) {
          fail(latency(), error instanceof Error ? error : new Error(String(error)))
        }
      }
      world.after(latency(), arrive)
    })

  /** As a group commit that fails because the record is away: alone it fails at once, among others it is tried once more. */
  const together = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run()
    } catch (error) {
      if (random.percent(50) || !(error instanceof Away || error instanceof CommitUnknown)) throw error
      return run()
    }
  }
  /** As a transaction that reads by key before it writes again. */
  const carefully = async <T>(run: () => Promise<T>): Promise<T> => {
    for (let left = 6; ; left--) {
      try {
        return await run()
      } catch (error) {
        if (left === 0 || !(error instanceof CommitUnknown)) throw error
      }
    }
  }

  const seen = new Map<string, string>()
  const blocks = new Map<string, { next: number; end: number }>()
  const take = async (name: string): Promise<number> => {
    for (;;) {
      const block = blocks.get(name)
      if (block && block.next < block.end) return block.next++
      const first = await ask(true, () => record.block(name, blockSize))
      // Whoever was quicker has filled it; then this block is given up, and its numbers are never used.
      if ((blocks.get(name)?.next ?? 0) >= (blocks.get(name)?.end ?? 0)) blocks.set(name, { next: first, end: first + blockSize })
    }
  }

  return {
    accept: debit => together(() => carefully(() => ask(true, () => record.accept(debit)))),
    claim: claim => together(() => ask(true, () => record.claim(claim))),
    settle: settlement => together(() => carefully(() => ask(true, () => record.settle(settlement)))),
    keep: settlement => ask(true, () => record.keep(settlement)),
    relay: async (now, limit, tell) => {
      const due = await ask(false, () => record.wakes(now, limit))
      if (due.length === 0) return 0
      await tell(due)
      await ask(true, () => record.told(due, now))
      return due.length
    },
    postpone: postponement => ask(true, () => record.postpone(postponement)),
    order: (made, decide) => carefully(() => ask(true, () => order(tables, made, decide))),
    stop: (made, decide) => carefully(() => ask(true, () => stop(tables, made, decide))),
    review: (id, ticketNo, decide, by) => carefully(() => ask(true, () => review(tables, id, ticketNo, decide, by))),
    declareBreak: found => ask(true, () => declareBreak(tables, found)),
    named: key => ask(false, () => named(tables, key)),
    keepLate: (late, found) => carefully(() => ask(true, () => keepLate(tables, late, found))),
    sawDay: async (bankCode, day, now) => {
      if ((seen.get(bankCode) ?? '') >= day) return
      await ask(true, () => sawDay(tables, bankCode, day, now))
      seen.set(bankCode, day)
    },
    findOrder: key => ask(false, () => findOrder(tables, key)),
    findStop: (taxSystem, orderNo) => ask(false, () => findStop(tables, taxSystem, orderNo)),
    findInstructions: ids => ask(false, () => ids.flatMap(id => tables.instruction.get(id) ?? []).map(row => viewOf(tables, row))),
    hasten: (key, now) => ask(true, () => record.hasten(key, now)),
    load: ids => ask(false, () => record.load(ids)),
    due: (now, limit, halted) => ask(false, () => record.due(now, limit, halted)),
    find: ticketNo => ask(false, () => findDebit(tables, ticketNo)),
    findMany: ticketNos => ask(false, () => ticketNos.flatMap(ticketNo => findDebit(tables, ticketNo) ?? [])),
    results: (taxSystem, after, limit) => ask(false, () => feed(tables, taxSystem, after, limit)),
    deliveries: {
      lease: (name, owner, now, until) => ask('idly', () => record.lease(name, owner, now, until)),
      advance: (name, owner, to) =>
        ask(to.failures === 0 && to.deliveredSeq === tables.delivery.get(name)?.delivered_seq ? 'idly' : true, () =>
          record.advance(name, owner, to),
        ),
    },
    takeInstructionId: () => take('instruction'),
    takeSerial: async (officeCode, entrustDate) => String(await take(`serial/${officeCode}/${entrustDate}`)).padStart(8, '0'),
    list: notSimulated('list'),
    listOrders: notSimulated('listOrders'),
    listStops: notSimulated('listStops'),
    breaks: notSimulated('breaks'),
    openBreaks: notSimulated('openBreaks'),
    findBreak: notSimulated('findBreak'),
    breakSteps: notSimulated('breakSteps'),
    doubts: notSimulated('doubts'),
    keyed: key => ask(false, () => keyed(tables, key)),
    ticket: ticketNo => ask(false, () => ticketOf(tables, ticketNo)),
    openByBank: notSimulated('openByBank'),
    halts: () => ask(false, () => haltsOf(tables)),
    proposals: {
      propose: proposal => carefully(() => ask(true, () => propose(tables, proposal))),
      decide: (id, deciding) => carefully(async () => ask(true, () => decide(tables, id, deciding))),
      find: id => ask(false, () => found(tables.proposal[id - 1])),
      findOrder: (by, orderNo) => ask(false, () => found(tables.proposal.find(p => p.proposedBy === by && p.orderNo === orderNo))),
      list: notSimulated('list'),
      over: (now, limit) =>
        ask(false, () => tables.proposal.flatMap(p => (p.state === 'proposed' && p.expiresAt <= now ? [p.id] : [])).slice(0, limit)),
    },
    bookings: new Proxy({} as Store['bookings'], { get: (_, name) => notSimulated(String(name)) }),
    ledger: new Proxy({} as Store['ledger'], { get: (_, name) => notSimulated(String(name)) }),
    reconciliations: new Proxy({} as Store['reconciliations'], { get: (_, name) => notSimulated(String(name)) }),
    differences: new Proxy({} as Store['differences'], { get: (_, name) => notSimulated(String(name)) }),
    inbox: { receive: notSimulated('receive'), answer: notSimulated('answer') },
    operators: {
      find: name => Promise.resolve(accountOf(name)),
      list: notSimulated('list'),
      credentials: notSimulated('credentials'),
      attempt: notSimulated('attempt'),
    },
    sessions: {
      find: notSimulated('session'),
      note: notSimulated('note'),
      end: notSimulated('end'),
      giveCode: notSimulated('giveCode'),
      openEnrolment: notSimulated('openEnrolment'),
      enrol: notSimulated('enrol'),
    },
    registry: {
      read: notSimulated('registry'),
      dossier: notSimulated('dossier'),
      add: notSimulated('add'),
      findOrder: notSimulated('findOrder'),
      figures: notSimulated('figures'),
      list: notSimulated('lines'),
    },

    files: new Proxy({} as Store['files'], { get: (_, name) => notSimulated(String(name)) }),
    fileRequests: new Proxy({} as Store['fileRequests'], { get: (_, name) => notSimulated(String(name)) }),
    bankCalls: empty<Store['bankCalls']>({ dueBankCalls: [] }),
    breakLife: new Proxy({} as Store['breakLife'], { get: (_, name) => notSimulated(String(name)) }),
    notices: new Proxy({} as Store['notices'], { get: (_, name) => notSimulated(String(name)) }),
    tellAgain: new Proxy({} as Store['tellAgain'], { get: (_, name) => notSimulated(String(name)) }),
    writeOffs: new Proxy({} as Store['writeOffs'], { get: (_, name) => notSimulated(String(name)) }),
    vouchers: new Proxy({} as Store['vouchers'], { get: (_, name) => notSimulated(String(name)) }),
    treasuries: new Proxy({} as Store['treasuries'], { get: (_, name) => notSimulated(String(name)) }),
    paymentVouchers: new Proxy({} as Store['paymentVouchers'], { get: (_, name) => notSimulated(String(name)) }),
    ticketLives: new Proxy({} as Store['ticketLives'], { get: (_, name) => notSimulated(String(name)) }),
    fees: new Proxy({} as Store['fees'], { get: (_, name) => notSimulated(String(name)) }),
    statistics: new Proxy({} as Store['statistics'], { get: (_, name) => notSimulated(String(name)) }),
    audit: { append: notSimulated('append'), list: notSimulated('list'), head: notSimulated('head'), verify: notSimulated('verify') },
    agreement: agreementNo => Promise.resolve(agreements.get(agreementNo)),
    agreements: empty<Store['agreements']>({
      dueCalls: [],
      dueOn: [],
      endable: { found: [], last: undefined },
      lapsable: { found: [], last: undefined },
      dueSyncs: [],
    }),
    attempts: notSimulated('attempts'),
    bankDays: notSimulated('bankDays'),
    forgetDay: notSimulated('forgetDay'),
    reference: notSimulated('reference'),
  }
}

const found = (row: ProposalRow | undefined): Proposal | undefined => row && proposalOf(row)

const ignored = (run: () => void): void => {
  try {
    run()
  } catch {
    // Nobody hears of it any more: its connection is gone.
  }
}
