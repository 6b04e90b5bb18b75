import type { Random } from './random.ts'

/** What can happen. `kill` is SIGKILL, after which the process is started again; `pause` is SIGSTOP and, `forMs` later, SIGCONT. */
export type Accident = { readonly atMs: number; readonly forMs: number; readonly target: string; readonly what: 'kill' | 'pause' | 'flush' }

/** Everybody an accident can befall. */
export type Targets = {
  readonly gateways: readonly string[]
  readonly workers: readonly string[]
  readonly banks: readonly string[]
}

/** Draws the accidents of a day; none befalls a target that is still suffering from another. `leaseMs` is outlasted by every pause. */
export const drawSchedule = (random: Random, targets: Targets, spanMs: number, leaseMs: number): Accident[] => {
  const wished: Accident[] = []
  const add = (what: Accident['what'], target: string, forMs: number) =>
    wished.push({ atMs: random.whole(100, spanMs), forMs, target, what })
  const times = (from: number, to: number, what: () => unknown) => {
    for (let left = random.whole(from, to); left > 0; left--) what()
  }
  add('kill', 'mariadb', random.whole(100, 800))
  add('kill', 'redis', random.whole(100, 1_500))
  times(1, 2, () => add('flush', 'redis', 0))
  times(1, 3, () => add('kill', random.pick(targets.gateways), 0))
  times(1, 2, () => add('kill', random.pick(targets.workers), 0))
  times(2, 4, () => add('kill', random.pick(targets.banks), 0))
  times(1, 2, () => add('pause', random.pick([...targets.gateways, ...targets.workers]), leaseMs + random.whole(200, 1_200)))
  const free = new Map<string, number>()
  return wished
    .toSorted((a, b) => a.atMs - b.atMs)
    .filter(accident => {
      if (accident.atMs < (free.get(accident.target) ?? 0)) return false
      // A process that was killed needs a moment until it is there to be killed again.
      free.set(accident.target, accident.atMs + accident.forMs + 1_500)
      return true
    })
}

/** An accident in one line. */
export const told = ({ atMs, forMs, target, what }: Accident): string =>
  `${(atMs / 1000).toFixed(2).padStart(6)} s  ${what} ${target}${forMs > 0 ? ` for ${forMs} ms` : ''}`
