import type { WakeQueue } from '../../gateway/queue.ts'
import type { Host, World } from './world.ts'

/** What goes wrong with the queue. */
export type RedisFaults = {
  away: boolean
  /** A job, or the answer to its adding, is lost, so often out of 1. */
  lost: number
  duplicated: number
  slowMs: number
}

type Worker = { readonly host: Host; readonly handle: (ids: readonly number[]) => Promise<void>; readonly most: number; busy: number }

/** A Redis that forgets, repeats and reorders: jobs reach any worker, or none. */
export class SimulatedRedis {
  readonly #world: World
  readonly #faults: RedisFaults
  #jobs: (readonly number[])[] = []
  #workers: Worker[] = []

  constructor(world: World, faults: RedisFaults) {
    this.#world = world
    this.#faults = faults
  }

  /** Everything in it is gone (FLUSHALL, or a failover to a replica that lags). */
  wipe(): void {
    this.#world.trace.add(this.#world.now, 'redis', 'wiped', this.#jobs.length)
    this.#world.fault('Redis: wiped')
    this.#jobs = []
  }

  /** The queue as one process has it. */
  open(host: Host): WakeQueue {
    const world = this.#world
    return {
      tell: ids =>
        new Promise((resolve, reject) => {
          world.after(this.#delay(), () => {
            const fail = () => world.into(host, this.#delay(), () => reject(new Error('Redis is away')))
            if (this.#faults.away) return fail()
            if (!this.#chance('lost')) this.#add(ids)
            if (this.#chance('lost')) return fail()
            world.into(host, this.#delay(), () => resolve())
          })
        }),
      work: (handle, concurrency) => {
        this.#workers.push({ host, handle, most: concurrency, busy: 0 })
      },
      isAlive: () => Promise.resolve(!this.#faults.away),
      close: () => Promise.resolve(),
    }
  }

  #add(ids: readonly number[]): void {
    this.#jobs.push(ids)
    if (this.#chance('duplicated')) this.#jobs.push(ids)
    this.#hand()
  }

  #hand(): void {
    this.#workers = this.#workers.filter(worker => worker.host.alive)
    while (this.#jobs.length > 0 && !this.#faults.away) {
      const free = this.#workers.filter(worker => worker.busy < worker.most)
      if (free.length === 0) return
      const worker = this.#world.random.pick(free)
      const [ids] = this.#jobs.splice(this.#world.random.whole(0, this.#jobs.length - 1), 1)
      worker.busy++
      this.#world.into(worker.host, this.#delay(), () => {
        const over = () => {
          worker.busy--
          if (this.#jobs.length > 0) this.#world.after(0, () => this.#hand())
        }
        worker.handle(ids!).then(over, over)
      })
    }
  }

  #chance(kind: 'lost' | 'duplicated'): boolean {
    const happens = this.#faults[kind] > 0 && this.#world.random.next() < this.#faults[kind]
    if (happens) this.#world.fault(`Redis: ${kind}`)
    return happens
  }

  #delay(): number {
    return 1 + this.#world.random.next() * this.#faults.slowMs
  }
}
