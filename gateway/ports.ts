import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// Below the ranges from which systems take the ports of outgoing connections (32768 on Linux, 49152 elsewhere): a server that was killed finds
// its port free when it comes back, whatever connected to anything in the meantime.
const first = 10_240
const last = 32_767
const handedOut = new Set<number>()

/** A port of 127.0.0.1 that nobody listens on: the wished one where it is free, else one that no outgoing connection will take, and none twice. */
export const freePort = async (wished = 0): Promise<number> => {
  if (wished !== 0 && (await takes(wished))) return wished
  for (let left = 1_000; left > 0; left--) {
    const port = randomInt(first, last + 1)
    if (await takes(port)) return port
  }
  throw new Error(`no free port between ${first} and ${last}`)
}

/** Takes a port where it is free. It is spoken for before it is tried: another who asks meanwhile gets another. */
const takes = async (port: number): Promise<boolean> => {
  if (handedOut.has(port)) return false
  handedOut.add(port)
  if (await isFree(port)) return true
  handedOut.delete(port)
  return false
}

const isFree = (port: number): Promise<boolean> =>
  new Promise(found => {
    const probe = createServer().once('error', () => found(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => found(true)))
  })
