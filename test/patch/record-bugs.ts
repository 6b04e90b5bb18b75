import { type Bug, bug } from './bug.ts'

const record = 'test/simulate/record.ts'
const store = 'test/simulate/store.ts'
const writes = 'test/simulate/writes.ts'

/** Mistakes of the record, made in the simulated one: what the checkers would see if the real one made them. */
export const recordBugs: readonly Bug[] = [
  bug(
    'claim-without-fence',
    'a claim does not look at the attempt',
    record,
    'if (!row || row.attempt_no !== instruction.attemptNo || row.state !== instruction.state) return false',
    'if (!row) return false',
  ),
  {
    name: 'claim-before-its-time',
    does: 'neither the rule nor the record looks whether it is due, or leased',
    edits: [
      { file: record, find: 'if (row.next_attempt_at === null || row.next_attempt_at > now.getTime()) return false', replace: '' },
      { file: 'gateway/domain/debit.ts', find: 'standing.nextAttemptAt > now || ', replace: '' },
    ],
  },
  bug(
    'stale-worker-not-fenced',
    'a worker whose lease ran out settles what another has in hand',
    record,
    'row.attempt_no !== settlement.attemptNo || row.lease_owner !== owner || row.state !== settlement.from',
    'row.lease_owner === null || row.state !== settlement.from',
  ),
  bug(
    'settle-without-fence',
    'a settled state is overwritten',
    record,
    'if (!row || row.attempt_no !== settlement.attemptNo || row.lease_owner !== owner || row.state !== settlement.from) return false',
    'if (!row) return false',
  ),
  bug('attempt-not-written', 'a claim leaves no attempt', record, 'this.#attempt(row, verb, owner, now)', ''),
  bug(
    'result-forgotten',
    'what is settled does not come into the feed',
    record,
    "if (isFinal(row.state) && row.reason !== 'in-doubt') publish(this.tables, row, now)",
    '',
  ),
  bug(
    'feed-with-gaps',
    'the feed leaves numbers out',
    writes,
    "const seq = block(tables, 'result', 1)",
    "const seq = block(tables, 'result', row.attempt_no)",
  ),
  bug(
    'numbers-given-twice',
    'a block of numbers is given to two processes',
    writes,
    'tables.counter.set(name, first + size)',
    "tables.counter.set(name, name === 'result' ? first + size : first)",
  ),
  bug(
    'accepted-again',
    'a ticket that is there is accepted again',
    record,
    "return first.id === debit.instructionId ? { kind: 'accepted' } : { kind: 'repeated', contentHash: before.content_hash }",
    "return { kind: 'accepted' }",
  ),
  bug(
    'hasten-takes-the-lease',
    'what somebody is asking about is made due again',
    record,
    "|| row.state !== 'unknown' || row.lease_owner !== null) return false",
    ') return false',
  ),
  bug(
    'half-a-settlement',
    'the state moves without its journal',
    record,
    'journal(this.tables, row, now, decision.event, owner, row.state, decision.reason)',
    '',
  ),
  bug(
    'unknown-commit-is-applied',
    'an acceptance whose COMMIT failed counts as written',
    store,
    'accept: debit => together(() => carefully(() => ask(true, () => record.accept(debit)))),',
    "accept: debit => ask(true, () => record.accept(debit)).catch(() => ({ kind: 'accepted' as const })),",
  ),
  bug(
    'unknown-commit-is-rolled-back',
    'after a failed COMMIT the acceptance is written again under a new key',
    store,
    'accept: debit => together(() => carefully(() => ask(true, () => record.accept(debit)))),',
    "accept: debit => ask(true, () => record.accept(debit)).catch(() => ask(true, () => record.accept({ ...debit, ticketNo: debit.ticketNo.slice(0, 17) + 'X', instructionId: debit.instructionId + 1e6, serialNo: String(Number(debit.serialNo) + 1e6).padStart(8, '0') }))),",
  ),
]
