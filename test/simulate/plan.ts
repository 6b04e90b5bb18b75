import type { BankPolicy } from '../../gateway/domain/bank.ts'
import type { Random } from '../crash/random.ts'
import type { BankFaults, Deed } from './bank.ts'
import type { NetworkFaults } from './network.ts'
import type { RedisFaults } from './redis.ts'
import type { RecordFaults } from './store.ts'
import type { Accidents } from './world.ts'

export const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000]

/** What one seed is: how much there is to do, and how much goes wrong. */
export type Plan = {
  /** Nothing goes wrong at all: then everything must also be quick. */
  readonly calm: boolean
  /** So many that debits and what else is ordered about them are 50 and more, seldom 500. */
  readonly tickets: number
  /** The orders come within so long. */
  readonly spanMs: number
  /** When everything heals. */
  readonly healMs: number
  readonly workers: number
  readonly leaseMs: number
  /** How often the loops of a worker look; each so that its pace tells it from the others. */
  readonly relayMs: number
  readonly deliverMs: number
  readonly sweepMs: number
  /** The most debits that wait in a process for a place at a bank. */
  readonly mostWaiting: number
  readonly policies: readonly BankPolicy[]
  readonly network: NetworkFaults
  readonly record: RecordFaults
  readonly redis: RedisFaults
  readonly bank: BankFaults
  readonly accidents: Accidents
  /** How far clocks may be off. */
  readonly skewMs: number
  /** How often, in all, a bank, the record, Redis goes away, a clock jumps, a process is killed or held up. */
  readonly outages: number
  /** An order is sent twice, or its number used for other content, so often out of 100. */
  readonly twice: number
  readonly differing: number
  /** Orders that some banks’ layouts cannot write, out of 100. */
  readonly unwritable: number
  /** Tickets about which the tax side orders more: reversals, stops, supplementary debits. */
  readonly further: number
  /** Whether two persons end doubts, and halt banks. */
  readonly persons: boolean
  /** How long after a ticket more may be ordered about it. */
  readonly furtherMs: number
}

const deeds: readonly Deed[] = [
  'silent',
  'silent-after-booking',
  'in-progress',
  'refused-at-the-door',
  'busy',
  'busy-after-booking',
  'unlisted',
  'twice',
  'wrong-key',
  'wrong-amount',
  'wrong-ticket',
  'books-less',
  'claims-more',
  'claims-all',
  'garbage',
]
const classes: readonly BankPolicy['dedupe'][] = ['by-key', 'by-key', 'tombstone', 'none']

/** 0 in some seeds, else a little more than nothing up to `most`: both must be seen. */
const share = (random: Random, most: number, none = 40): number => (random.percent(none) ? 0 : random.next() * random.next() * most)

const policyOf = (random: Random, calm: boolean): BankPolicy => {
  const concurrency = random.pick([1, 2, 4, 16])
  const dedupe = random.pick(classes)
  return {
    dedupe,
    inquiry: calm || random.percent(85),
    reversal: dedupe === 'tombstone' ? random.pick(['any', 'whole-only']) : random.pick(['any', 'any', 'whole-only', 'none']),
    // The simulated banks keep their tombstones; what the registry does not say is not relied on.
    tombstones: dedupe === 'tombstone' || random.percent(70),
    dayEnd: random.pick(['16:00', '20:30', '24:00']),
    ...(random.percent(30) ? { perSecond: random.pick([2, 20]) } : {}),
    // Mostly rare: in a day of many processes they would be most of what there is to see.
    ...(random.percent(25) ? { linkTestMs: random.pick([10 * minute, hour, hour, 3 * hour, 6 * hour, 6 * hour, 6 * hour, 6 * hour]) } : {}),
    quiescenceMs: calm ? 30 * second : random.pick([30 * second, 5 * minute, hour]),
    inquiryLadderMs: [second, 10 * second, minute, 5 * minute, 20 * minute].slice(random.whole(0, 2)),
    redeliveryLadderMs: [second, 5 * second, 20 * second, minute, 5 * minute, 20 * minute].slice(0, random.whole(2, 6)),
    timeoutMs: random.pick([2, 10, 30]) * second,
    concurrency,
    connections: concurrency,
    pipeline: 1,
  }
}

const recordOf = (random: Random, calm: boolean): RecordFaults => {
  const troubled = !calm && random.percent(60)
  const rare = (most: number) => (troubled ? share(random, most, 20) : 0)
  return {
    away: false,
    readOnly: false,
    troubled,
    lost: rare(0.1),
    unknown: rare(0.15),
    deadlock: rare(0.2),
    slow: rare(0.1),
    slowMs: 30 * second,
  }
}

/** Draws a seed's plan; `banks` is how many there are. */
export const planOf = (random: Random, banks: number): Plan => {
  const calm = random.percent(10)
  const policies = Array.from({ length: banks }, () => policyOf(random, calm))
  const spanMs = calm || random.percent(60) ? random.whole(1, 60) * second : random.whole(1, 20) * hour
  const quiet = Math.min(...policies.map(p => p.quiescenceMs))
  const rare = (most: number, none = 40) => (calm ? 0 : share(random, most, none))
  const further = random.pick([0, 15, 40])
  return {
    calm,
    tickets: Math.floor((50 + 450 * random.next() ** 40) / (1 + 0.016 * further)),
    spanMs,
    healMs: calm ? 0 : spanMs + random.whole(1, 120) * minute,
    workers: random.whole(2, 3),
    leaseMs: random.pick([5, 30]) * second,
    relayMs: second,
    deliverMs: calm ? 2.5 * second : random.pick([2.5, 60, 120]) * second,
    sweepMs: calm ? 6 * hour : random.pick([5, 30]) * second,
    mostWaiting: random.pick([0, 2, 1_000]),
    policies,
    network: {
      refused: rare(0.4, 60),
      lost: rare(0.3),
      duplicated: rare(0.5),
      cut: rare(0.2),
      fastMs: random.pick([20, 200]),
      slow: rare(0.4),
      slowMs: random.pick([5 * second, 40 * second, 10 * minute]),
      stuck: rare(0.1, 60),
      stuckMs: random.pick([hour, 6 * hour, 2 * day]),
      underWayUntil: 0,
    },
    record: recordOf(random, calm),
    redis: { away: calm && random.percent(40), lost: rare(0.3), duplicated: rare(0.5), slowMs: random.pick([10, 1_000]) },
    bank: { odd: rare(0.5), deeds: deeds.filter(() => random.percent(60)).concat('twice') },
    accidents: { crash: rare(0.004, 50), hold: rare(0.01, 50), holdMs: random.pick([second, minute, 10 * minute, 3 * hour]) },
    skewMs: calm || random.percent(60) ? 0 : Math.floor(random.next() * random.pick([2 * second, quiet / 2])),
    outages: calm || random.percent(45) ? 0 : random.whole(1, 12),
    twice: random.percent(50) ? 0 : 20,
    differing: random.percent(50) ? 0 : 10,
    unwritable: random.percent(50) ? 0 : 5,
    further,
    persons: random.percent(50),
    furtherMs: random.pick([hour, hour, hour, 1.5 * day]),
  }
}
