import { type Bug, bug } from './bug.ts'

const [rules, reversal, supplement, stop, ticket, advance, linked, record] = [
  'gateway/domain/debit.ts',
  'gateway/domain/reversal.ts',
  'gateway/domain/supplement.ts',
  'gateway/domain/stop.ts',
  'gateway/domain/ticket.ts',
  'gateway/flows/advance.ts',
  'test/simulate/linked.ts',
  'test/simulate/record.ts',
]

/** Mistakes about reversals, supplementary debits and stops. */
export const furtherBugs: readonly Bug[] = [
  bug(
    'reversal-before-its-original',
    'a reversal is sent while its original is in doubt',
    reversal,
    'holds: isUnsettled,',
    'holds: () => false,',
  ),
  bug(
    'partial-counted-whole',
    'a partial reversal counts as one of the whole',
    ticket,
    '.reduce((sum, m) => sum + m.booked, 0)\n\n/** Whether',
    '.reduce((sum, m) => sum + (m.booked > 0 ? (movementOf(ticket, originalId)?.booked ?? 0) : 0), 0)\n\n/** Whether',
  ),
  bug('gives-back-too-much', 'what was given back before is forgotten', reversal, 'c.amount > left(c)', 'c.amount > c.original.amount'),
  bug(
    'two-reversals-at-once',
    'a reversal does not wait for the one before',
    reversal,
    'holds: ({ isAnotherOpen }) => isAnotherOpen',
    'holds: () => false',
  ),
  bug(
    'not-found-without-tombstone',
    'not found at a bank with tombstones is a proven zero without one',
    rules,
    "return { ...wait('a reversal first, for its tombstone', false), effect: 'tombstone' }",
    "return settled(standing, 'refuse', { class: 'refused', code: '24020', bankCode: '24020' }, 'x')",
  ),
  {
    name: 'supplement-of-what-is-paid',
    does: 'a ticket that is paid is debited once more',
    edits: [
      { file: supplement, find: 'shortfall(ticket, debit, reason) <= 0', replace: 'shortfall(ticket, debit, reason) < -9e15' },
      { file: supplement, find: 'amount > shortfall(ticket, debit, reason)', replace: 'amount > 9e15' },
    ],
  },
  bug(
    'supplement-of-a-doubt',
    'a supplementary debit while the debit is in doubt',
    supplement,
    'holds: (_ticket, debit) => isOpen(debit)',
    'holds: (_ticket, debit) => debit.id < 0',
  ),
  bug(
    'void-forgotten',
    'the remedy of art. 35(3) fails, and the ticket stays',
    supplement,
    "verb === 'supplementaryDebit' && reason === 'bank-missing' && state",
    "verb === 'reversal' && reason === 'bank-missing' && state",
  ),
  bug(
    'stop-after-sending',
    'what was sent is stopped',
    stop,
    "state === 'accepted' && inquiries === 0",
    "state !== 'succeeded' && state !== 'refused'",
  ),
  bug(
    'stop-after-doubt',
    'what was not found, and is to be sent again, is stopped as if it had never left',
    stop,
    "state === 'accepted' && inquiries === 0",
    "state === 'accepted'",
  ),
  bug(
    'day-end-ignored',
    'a reversal leaves though the bank’s day has ended',
    reversal,
    'holds: ({ dayEnded }) => dayEnded',
    'holds: () => false',
  ),
  bug(
    'two-supplements-at-once',
    'a supplementary debit does not wait for the one before',
    supplement,
    "holds: ticket => ticket.movements.some(m => m.verb === 'supplementaryDebit' && isOpen(m))",
    'holds: ticket => ticket.movements.length > 99',
  ),
  bug(
    'waiting-reversal-not-looked-at',
    'a reversal that waited is sent whatever became of its original',
    advance,
    "if (verb !== 'reversal' && !bar) return true",
    'if (!bar) return true',
  ),
  bug(
    'waiting-never-woken',
    'a reversal that waits for its original is forgotten',
    linked,
    '  wakeWaiting(tables, after, own.id, by)\n',
    '',
  ),
  bug(
    'tombstone-without-effect',
    'a tombstone stands, and its original is not told',
    linked,
    'if (decision.effect) followEffect(tables',
    'if (decision.effect === undefined) followEffect(tables',
  ),
  bug('waiting-passed-by', 'the fast way of settling passes by whoever waits', record, '    if (row.awaited !== 0) return false\n', ''),
  bug(
    'own-reversal-told',
    'the tax side hears of a reversal that it never ordered',
    record,
    "if (isFinal(row.state) && row.reason !== 'in-doubt') publish",
    'if (isFinal(row.state)) publish',
  ),
]
