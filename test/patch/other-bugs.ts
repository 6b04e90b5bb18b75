import { type Bug, bug } from './bug.ts'

const [call, slots, wake, work, late, notify] = [
  'gateway/call.ts',
  'gateway/flows/slots.ts',
  'gateway/flows/wake.ts',
  'gateway/work.ts',
  'gateway/flows/late.ts',
  'gateway/flows/notify.ts',
]

/** Mistakes around the rules: lines, places, wake-ups, deliveries. */
export const otherBugs: readonly Bug[] = [
  {
    name: 'answers-by-their-order',
    does: 'an answer goes to whoever waits first',
    edits: [
      { file: call, find: 'return { key: correlation(found.verb, told), value', replace: 'return { key: found.verb, value' },
      { file: call, find: 'key: correlation(verb, request),', replace: 'key: verb,' },
      { file: call, find: 'const answer = answerOf(told, request)', replace: 'const answer = answerOf(told, {})' },
    ],
  },
  bug(
    'another-ticket-believed',
    'a reply that names another ticket is believed',
    call,
    'named[field] !== meant[field])',
    'named[field] === undefined)',
  ),
  bug(
    'any-fault-is-undelivered',
    'a broken line proves that nothing arrived',
    call,
    "fault.delivered === 'no'",
    "fault.delivered !== 'yes'",
  ),
  bug(
    'send-not-asked',
    'the last question before the first byte is not asked',
    call,
    'if (!maySend()) fail',
    'if (maySend === undefined) fail',
  ),
  bug(
    'one-place-too-many',
    'a bank has one request more than its places',
    slots,
    'closed || lane.taken >= limit',
    'closed || lane.taken > limit',
  ),
  bug(
    'places-not-counted',
    'places of workers are not counted',
    slots,
    'if (!tryTake(bankCode, limit)) return join',
    'if (tryTake(bankCode, limit) && false) return join',
  ),
  bug('line-forgotten', 'a place that comes free is not given to who waits', slots, 'next.grant()\n      return', 'return'),
  bug('relay-drops', 'the outbox is emptied, and the queue is not told', wake, 'atOnce, tell)', 'atOnce, async () => {})'),
  bug('sweep-tells-nobody', 'what the sweep finds is not told', wake, 'await tell(due)', ''),
  bug('waits-for-redis', 'without Redis nobody does what is due', work, 'await begin(flow, slots, inHand, ids)\n    }', '}'),
  bug(
    'late-answer-dropped',
    'a late answer is not used',
    late,
    "if (verb !== 'inquiry') await flow.store.hasten",
    "if (verb === 'inquiry') await flow.store.hasten",
  ),
  bug(
    'delivery-skipped',
    'what the receiver did not take counts as delivered',
    notify,
    'deliveredSeq: taken ? ',
    'deliveredSeq: held !== undefined ? ',
  ),
  bug(
    'delivery-without-order',
    'a run of results begins after one that was never sent',
    notify,
    'results(undefined, held.deliveredSeq, atOnce)',
    'results(undefined, held.deliveredSeq + held.failures, atOnce)',
  ),
  {
    name: 'halt-ignored',
    does: 'what was accepted goes to a bank that two persons have halted',
    edits: [
      {
        file: 'gateway/flows/advance.ts',
        find: "(bank.halt && step !== 'inquiry')",
        replace: "(bank.halt && step !== 'inquiry' && instruction.id < 0)",
      },
      { file: 'gateway/flows/attempt.ts', find: 'if (flow.reference().banks.get(bankCode)?.halt) return false', replace: '' },
    ],
  },
  bug(
    'own-approval',
    'who has proposed may approve',
    'gateway/domain/proposal.ts',
    "return by === proposedBy ? 'own-proposal' : undefined",
    'return undefined',
  ),
  bug(
    'approval-of-something-else',
    'an approval does not look at what its person saw',
    'gateway/domain/proposal.ts',
    "if (act.event === 'approve' && act.hash !== proposal.hash)",
    "if (act.event === 'approve' && act.hash === '')",
  ),
  bug(
    'old-evidence',
    '«not booked» counts from when it was written down, not from when the bank looked into its books',
    'gateway/flows/doubt-kinds.ts',
    'const at = content.checkedAt === undefined ? now : new Date(content.checkedAt)',
    'const at = now',
  ),
]
