import { CircuitState, ConsecutiveBreaker, CountBreaker } from 'cockatiel'
import { later } from '../domain/time.ts'

/** `closed`: all goes. `open`: nothing is sent. `half-open`: nothing is sent yet, and the next answer to a question decides. */
export type BreakerState = 'closed' | 'open' | 'half-open'
/** A send may debit; a question (inquiry, link test) changes nothing at the bank. */
export type CallKind = 'send' | 'question'
/** Under which state a call began: what came of it counts for that state only. */
export type Begun = { readonly era: number; readonly probe: boolean }

/** The breaker of one bank. It knows no clock: every moment is given. */
export type Breaker = {
  stateAt(now: Date): BreakerState
  /** When questions begin to decide; undefined while closed. */
  restsUntil(): Date | undefined
  begin(now: Date): Begun
  /** Takes what came of a call; returns what changed by it. */
  heard(kind: CallKind, healthy: boolean, begun: Begun, now: Date): 'opened' | 'closed' | undefined
}

/** Failures in a row after which it opens, however long they take: a bank that is called twice a day and always fails is as sick as another. */
const inARow = 5
/** Of the last calls of a busy bank more than half failed. */
const ofTheLast = { threshold: 0.5, size: 40, minimumNumberOfCalls: 20 } as const
/** The first rest is this part of the longest, each relapse doubles it. */
const firstPart = 32

/**
 * Sends and questions are counted apart: a bank that answers questions and hangs at every debit is sick. The counts are cockatiel's; its policy
 * is not used, because it reads the machine's clock itself and takes the next real call for its probe. `longestMs` bounds a rest.
 */
export const openBreaker = (longestMs: () => number): Breaker => {
  let counts = fresh()
  let era = 0
  let rest: { readonly from: Date; readonly until: Date } | undefined
  // Rests since a send was last answered.
  let relapses = 0

  const stateAt = (now: Date): BreakerState => {
    if (!rest) return 'closed'
    // A clock that stands before the rest began was set back; it would rest for ever.
    return now >= rest.until || now < rest.from ? 'half-open' : 'open'
  }
  const open = (now: Date): 'opened' => {
    const longest = longestMs()
    rest = { from: now, until: later(now, Math.min(longest, (longest / firstPart) * 2 ** Math.min(relapses, 10))) }
    relapses++
    era++
    return 'opened'
  }
  const close = (): 'closed' => {
    rest = undefined
    era++
    counts = fresh()
    // On probation: the first send that fails opens it again, the first that is answered ends that.
    counts.send[0].state = inARow - 1
    return 'closed'
  }
  return {
    stateAt,
    restsUntil: () => rest?.until,
    begin: now => ({ era, probe: stateAt(now) === 'half-open' }),
    heard: (kind, healthy, begun, now) => {
      const state = stateAt(now)
      if (state === 'closed') {
        if (begun.era !== era) return undefined
        if (healthy) {
          if (kind === 'send') relapses = 0
          for (const count of counts[kind]) count.success(CircuitState.Closed)
          return undefined
        }
        // Each must hear of it.
        const trips = counts[kind].map(count => count.failure(CircuitState.Closed))
        return trips.includes(true) ? open(now) : undefined
      }
      if (state === 'open') return undefined
      if (healthy) return kind === 'question' || begun.probe ? close() : undefined
      return begun.probe && begun.era === era ? open(now) : undefined
    },
  }
}

type Counts = readonly [ConsecutiveBreaker, CountBreaker]
const both = (): Counts => [new ConsecutiveBreaker(inARow), new CountBreaker(ofTheLast)]
const fresh = (): { readonly [kind in CallKind]: Counts } => ({ send: both(), question: both() })
