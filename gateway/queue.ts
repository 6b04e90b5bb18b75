import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'

/** The queue only wakes workers: a job names instructions whose time has come, and proves nothing. The whole of Redis may be lost at any moment. */
export type WakeQueue = {
  /** Resolves when Redis has the wake-up; fails at once when Redis is away. */
  tell(ids: readonly number[]): Promise<void>
  /** Takes wake-ups; `concurrency` chunks at once. */
  work(handle: (ids: readonly number[]) => Promise<void>, concurrency: number): void
  isAlive(): Promise<boolean>
  /** Stops taking, finishes what is under way. */
  close(): Promise<void>
}

type Chunk = { readonly ids: readonly number[] }
const queueName = 'wake'
const chunkOf = 50

/** Opens the queue; `trouble` hears what goes wrong with Redis, which is never the caller's business. */
export const openQueue = (redisUrl: string, prefix: string, trouble: (error: Error) => void): WakeQueue => {
  // A caller must not wait for a Redis that is away: fail at once, the sweep comes again.
  const producer = new Redis(redisUrl, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // One that hangs, or a network that swallows, is as good as away.
    commandTimeout: 5_000,
  })
  producer.on('error', trouble)
  const queue = new Queue<Chunk>(queueName, {
    connection: producer,
    prefix,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
  })
  queue.on('error', trouble)
  let consumer: Redis | undefined
  let worker: Worker<Chunk> | undefined
  let closing = false
  const underWay = new Set<Promise<void>>()
  const begin = (handle: (ids: readonly number[]) => Promise<void>, ids: readonly number[]): Promise<void> => {
    if (closing) throw new Error('this worker is closing; the sweep finds what was in this job')
    const run = handle(ids).finally(() => underWay.delete(run))
    underWay.add(run)
    return run
  }
  return {
    tell: async ids => {
      // BullMQ itself would wait for the first connection, for as long as it takes.
      if (producer.status !== 'ready') throw new Error('Redis is away')
      const jobs = []
      for (let at = 0; at < ids.length; at += chunkOf) jobs.push({ name: queueName, data: { ids: ids.slice(at, at + chunkOf) } })
      await queue.addBulk(jobs)
    },
    work: (handle, concurrency) => {
      consumer = new Redis(redisUrl, { maxRetriesPerRequest: null, blockingTimeout: 30_000 })
      consumer.on('error', trouble)
      worker = new Worker<Chunk>(queueName, job => begin(handle, job.data.ids), { connection: consumer, prefix, concurrency })
      worker.on('error', trouble)
    },
    isAlive: async () => {
      try {
        return (await producer.ping()) === 'PONG'
      } catch {
        return false
      }
    },
    close: async () => {
      closing = true
      await Promise.allSettled(underWay)
      // Left to itself BullMQ waits until Redis is back, for as long as it takes.
      await worker?.close(producer.status !== 'ready')
      await queue.close()
      consumer?.disconnect()
      producer.disconnect()
    },
  }
}
