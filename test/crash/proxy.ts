import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from '../../gateway/ports.ts'
import type { Random } from './random.ts'

/**
 * What a line can suffer. `down`: nobody listens. `latency`: each piece comes `ms` late, more or less. `slow-close`: an end is told only after `ms`.
 * `timeout`: nothing comes through any more, and after `ms` the connection ends. `reset`: connections are reset. `slicer`: pieces of a few
 * bytes. `limit`: a connection ends after `bytes`. `corrupt`: a byte is another; only where the line notices (TLS). `duplicate`: what is asked is
 * asked a second time over a connection of its own, as a middle box does that repeats; only of who keeps one answer for one question.
 * `half-open`: the answering side's bytes are swallowed and no end is told to it. `cut-commit`: a database connection is cut when a COMMIT has
 * been sent, before its answer.
 */
export type Toxic =
  | { readonly kind: 'down' | 'reset' | 'corrupt' | 'duplicate' | 'half-open' | 'cut-commit' }
  | { readonly kind: 'latency' | 'slow-close' | 'timeout'; readonly ms: number }
  | { readonly kind: 'slicer'; readonly bytes: number }
  | { readonly kind: 'limit'; readonly bytes: number }
export type ToxicKind = Toxic['kind']

/** A line in between, whose faults follow from a seed. */
export type FaultProxy = {
  readonly port: number
  /** Puts this in force, for the connections there are as for new ones; undefined: a good line. */
  suffer(toxic: Toxic | undefined): Promise<void>
  /** Pieces that came through, and connections it broke. */
  readonly counts: { pieces: number; broken: number }
  close(): Promise<void>
}

type Pair = { readonly client: Socket; readonly bank: Socket; bytes: number; first: boolean }

/** Opens a line to a port of this machine. */
export const openProxy = async (toPort: number, random: Random): Promise<FaultProxy> => {
  const port = await freePort()
  const pairs = new Set<Pair>()
  const counts = { pieces: 0, broken: 0 }
  let toxic: Toxic | undefined
  let server: Server | undefined

  const breakOff = (pair: Pair, how: 'end' | 'reset' = 'reset'): void => {
    if (!pairs.delete(pair)) return
    counts.broken++
    for (const socket of [pair.client, pair.bank]) {
      // A reset of a socket that is just telling its end is refused by libuv, and the socket then never closed: the process could not end.
      const ending = socket.writableEnded && !socket.writableFinished
      if (how === 'reset' && !ending) socket.resetAndDestroy()
      else socket.destroy()
    }
  }
  const repeat = (bytes: Buffer): void => {
    const again = connect(toPort, '127.0.0.1', () => again.write(bytes))
    again.on('error', () => {})
    again.once('data', () => again.destroy())
    again.setTimeout(2_000, () => again.destroy())
  }
  const isCommit = (bytes: Buffer): boolean =>
    bytes.length >= 11 && bytes[4] === 0x03 && bytes.subarray(5, 11).toString('latin1') === 'COMMIT'

  /** One piece on its way; what the line suffers at this moment befalls it. */
  const pass = (pair: Pair, from: Socket, to: Socket, piece: Buffer): unknown => {
    counts.pieces++
    pair.bytes += piece.length
    const first = pair.first
    if (from === pair.client) pair.first = false
    const write = (bytes: Buffer) => {
      if (!to.destroyed && to.writable && !to.write(bytes)) from.pause()
    }
    switch (toxic?.kind) {
      case undefined:
      case 'slow-close':
      case 'down':
        return write(piece)
      case 'latency': {
        const { ms } = toxic
        from.pause()
        setTimeout(
          () => {
            write(piece)
            from.resume()
          },
          ms * (0.5 + random.next()),
        )
        return
      }
      case 'timeout': {
        const { ms } = toxic
        setTimeout(() => breakOff(pair, 'end'), ms)
        return
      }
      case 'reset':
        return breakOff(pair)
      case 'half-open':
        // What was asked goes out; the answer, and the end, are lost on the way.
        return from === pair.client ? write(piece) : undefined
      case 'slicer': {
        for (let at = 0; at < piece.length; ) {
          const size = random.whole(1, toxic.bytes)
          write(piece.subarray(at, at + size))
          at += size
        }
        return
      }
      case 'limit':
        if (pair.bytes <= toxic.bytes) return write(piece)
        write(piece.subarray(0, Math.max(0, piece.length - (pair.bytes - toxic.bytes))))
        to.end(() => breakOff(pair, 'end'))
        return
      case 'corrupt': {
        const bytes = Buffer.from(piece)
        const at = random.whole(0, bytes.length - 1)
        bytes[at] = bytes[at]! ^ (1 << random.whole(0, 7))
        return write(bytes)
      }
      case 'duplicate':
        write(piece)
        if (from === pair.client && first) repeat(piece)
        return
      case 'cut-commit':
        write(piece)
        // The server has it; the answer never arrives.
        if (from === pair.client && isCommit(piece)) setImmediate(() => breakOff(pair, 'end'))
        return
    }
  }
  const join = (client: Socket): void => {
    const bank = connect(toPort, '127.0.0.1')
    const pair: Pair = { client, bank, bytes: 0, first: true }
    pairs.add(pair)
    for (const [from, to] of [
      [client, bank],
      [bank, client],
    ] as const) {
      from.setNoDelay(true)
      from.on('data', piece => pass(pair, from, to, piece))
      to.on('drain', () => from.resume())
      from.on('error', () => breakOff(pair))
      from.on('end', () => {
        if (toxic?.kind === 'half-open') return
        if (toxic?.kind === 'slow-close') setTimeout(() => to.end(), toxic.ms)
        else to.end()
      })
      from.on('close', () => {
        if (toxic?.kind === 'half-open') return
        pairs.delete(pair)
        if (toxic?.kind !== 'slow-close') to.destroySoon()
      })
    }
  }
  const listen = (): Promise<void> =>
    new Promise((resolve, reject) => {
      // An end of one side is told to the other by us, when the line lets it.
      server = createServer({ allowHalfOpen: true }, join)
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
  const deafen = async (): Promise<void> => {
    const closing = server
    server = undefined
    const closed = closing && new Promise<void>(resolve => closing.close(() => resolve()))
    for (const pair of [...pairs]) breakOff(pair)
    await closed
  }
  await listen()
  return {
    port,
    counts,
    suffer: async next => {
      const before = toxic
      toxic = next
      if (next?.kind === 'down') return await deafen()
      if (next?.kind === 'reset') for (const pair of [...pairs]) breakOff(pair)
      // What was lost in a half-open line does not come back: its end is told when the line is good again.
      if (before?.kind === 'half-open' || before?.kind === 'corrupt') for (const pair of [...pairs]) breakOff(pair, 'end')
      if (!server) await listen()
    },
    close: deafen,
  }
}
