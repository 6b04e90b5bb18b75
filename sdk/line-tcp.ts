import net from 'node:net'
import tls from 'node:tls'
import { Fault, fail } from './fault.ts'
import { Framer, frame } from './frame.ts'
import { type Carrier, codeOf, type Target, unreadable, type Waiting } from './line-ask.ts'
import type { LineOptions, Read, Stray, TcpLine } from './line-terms.ts'

const nothing = new Uint8Array()
const farewellMs = 1_000
const probeMs = 30_000

type Terms<T> = {
  readonly line: TcpLine
  readonly target: Target
  readonly options: LineOptions
  readonly read: Read<T>
  readonly stray: (answer: Stray<T>) => void
}

/** One socket, the requests it carries, and the answers it owes. */
class Connection<T> {
  readonly #terms: Terms<T>
  readonly #socket: net.Socket
  readonly #framer: Framer
  readonly #gone: () => void
  readonly #idle: NodeJS.Timeout
  readonly #sent = new Map<string, Waiting<T>>()
  /** Keys given up before their answer came: it may come yet, and must not be taken for that of a later request. */
  readonly #owed = new Set<string>()
  #unsent: { readonly waiting: Waiting<T>; readonly wire: Uint8Array }[] = []
  #state: 'connecting' | 'open' | 'closed' = 'connecting'
  #retired = false
  #flushing = false

  constructor(terms: Terms<T>, gone: () => void) {
    this.#terms = terms
    this.#gone = gone
    this.#framer = new Framer(terms.line, body => this.#take(body))
    this.#socket = this.#connect()
    this.#idle = setTimeout(() => this.load === 0 && this.end(), terms.options.idleMs).unref()
  }

  /** Requests under way. */
  get load(): number {
    return this.#unsent.length + this.#sent.size
  }

  get open(): boolean {
    return this.#state === 'open'
  }

  get closed(): boolean {
    return this.#state === 'closed'
  }

  /** It takes no new requests. */
  get retired(): boolean {
    return this.#retired
  }

  owes(key: string): boolean {
    return this.#owed.has(key)
  }

  carry(waiting: Waiting<T>, wire: Uint8Array): void {
    if (this.load === 0) this.#socket.ref()
    this.#unsent.push({ waiting, wire })
    waiting.afterwards(() => this.#settled(waiting))
    this.#flushSoon()
  }

  retire(): void {
    if (this.#retired) return
    this.#retired = true
    if (this.load === 0) this.#rest()
  }

  /** Ends the socket in order; whatever is under way is lost. */
  end(): void {
    if (!this.open) {
      this.drop()
      return
    }
    this.#close('the line was closed')
    // not waiting for the bank to end its half: nothing is under way, and a late answer would find nobody
    this.#socket.destroySoon()
    const timer = setTimeout(() => this.#socket.destroy(), farewellMs).unref()
    this.#socket.once('close', () => clearTimeout(timer))
  }

  /** Destroys the socket at once. */
  drop(): void {
    this.#close('the line was closed')
    this.#socket.destroy()
  }

  #connect(): net.Socket {
    const { target, options } = this.#terms
    const { host, port, context, servername } = target
    const socket = context
      ? tls.connect({ host, port, secureContext: context, rejectUnauthorized: true, ...(servername ? { servername } : {}) })
      : net.connect({ host, port })
    socket.setNoDelay(true)
    socket.setKeepAlive(true, probeMs)
    const tooLong = () => {
      this.#close(`no connection within ${options.connectMs} ms`)
      socket.destroy()
    }
    const timer = setTimeout(tooLong, options.connectMs)
    socket.once(context ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      if (this.#state === 'closed') return
      this.#state = 'open'
      this.#flushSoon()
    })
    socket.on('data', chunk => this.#hear(chunk))
    socket.on('error', error => this.#close(codeOf(error)))
    socket.on('end', () => this.#close('the bank ended the connection'))
    socket.once('close', () => {
      clearTimeout(timer)
      this.#close('the connection was closed')
      this.#gone()
    })
    return socket
  }

  // one write for all that is asked in one turn of the event loop: most of the cost of a small message is its system call
  #flushSoon(): void {
    if (this.#flushing || this.#state !== 'open' || this.#unsent.length === 0) return
    this.#flushing = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#flushing = false
    if (!this.open) return
    const batch = this.#unsent
    this.#unsent = []
    this.#socket.cork()
    for (const { waiting, wire } of batch) {
      if (!this.open) waiting.lose('the connection was closed')
      if (!waiting.send()) continue
      this.#sent.set(waiting.request.key, waiting)
      this.#socket.write(wire)
    }
    this.#socket.uncork()
    if (this.load === 0) this.#rest()
  }

  #hear(chunk: Uint8Array): void {
    if (this.#state === 'closed') return
    try {
      this.#framer.push(chunk)
    } catch (error) {
      // nobody knows where the next frame starts, so no later answer on this socket can be believed
      const fault = error instanceof Fault ? error : new Fault('internal', `an answer could not be handled (${codeOf(error)})`)
      if (this.#sent.size === 0) this.#stray({ bytes: nothing, fault })
      this.#close('the framing of the answers broke', fault)
      this.#socket.destroy()
    }
    if (this.#retired && this.load === 0) this.#rest()
  }

  #take(body: Uint8Array): void {
    if (this.#state === 'closed') return
    let answer: ReturnType<Read<T>>
    try {
      answer = this.#terms.read(body)
    } catch (error) {
      this.#blame(body, unreadable(error))
      return
    }
    const { key, value } = answer
    const waiting = this.#sent.get(key)
    if (waiting) {
      this.#sent.delete(key)
      waiting.resolve(value)
    } else {
      this.#owed.delete(key)
      this.#stray({ bytes: body, key, value })
    }
  }

  // an unreadable frame is blamed on a request only when it can be the answer to no other
  #blame(bytes: Uint8Array, fault: Fault): void {
    const [only] = this.#sent.values()
    if (only && this.#sent.size === 1 && this.#owed.size === 0) {
      this.#sent.delete(only.request.key)
      only.reject(fault)
    } else this.#stray({ bytes, fault })
  }

  #stray(answer: Stray<T>): void {
    // apart from here: what the listener throws must not tear the frames that follow
    queueMicrotask(() => this.#terms.stray(answer))
  }

  #settled(waiting: Waiting<T>): void {
    const { key } = waiting.request
    if (this.#sent.get(key) === waiting) {
      this.#sent.delete(key)
      this.#owed.add(key)
      // half a frame that does not go on, or as many answers owed as it may carry: this socket is as good as dead
      if (this.#framer.pending > 0 || this.#owed.size >= this.#terms.options.pipeline) this.#retired = true
    } else if (!waiting.sent) this.#unsent = this.#unsent.filter(other => other.waiting !== waiting)
    if (this.load === 0) this.#rest()
  }

  #rest(): void {
    if (this.#state === 'closed') return
    // one that is retired stays to hear the answers it owes until it has idled
    if (this.#retired && (this.#owed.size === 0 || this.#framer.pending > 0)) this.end()
    else {
      this.#socket.unref()
      this.#idle.refresh()
    }
  }

  #close(why: string, fault?: Fault): void {
    if (this.#state === 'closed') return
    const reached = this.#state === 'open'
    this.#state = 'closed'
    this.#retired = true
    clearTimeout(this.#idle)
    const detail = this.#framer.pending > 0 ? `${why}, inside a frame` : why
    for (const waiting of [...this.#sent.values()]) {
      if (fault) waiting.reject(fault)
      else waiting.lose(detail)
    }
    for (const { waiting } of [...this.#unsent]) {
      if (reached) waiting.lose(detail)
      else waiting.reject(new Fault('connect-failed', detail))
    }
  }
}

/** Carries requests over up to `connections` persistent sockets (and as many that only wait for answers owed), opened when needed. */
export const tcpCarrier = <T>(terms: Terms<T>): Carrier<T> => {
  const { line, options } = terms
  const all = new Set<Connection<T>>()
  let emptied: (() => void) | undefined

  const connect = (): Connection<T> => {
    const connection: Connection<T> = new Connection(terms, () => {
      all.delete(connection)
      if (all.size === 0) emptied?.()
    })
    all.add(connection)
    return connection
  }

  // a bank that never answers must not make us collect sockets
  const makeRoom = (): boolean => {
    if (all.size < 2 * options.connections) return true
    const old = [...all].find(connection => connection.retired && !connection.closed && connection.load === 0)
    old?.drop()
    return old !== undefined
  }

  const choose = (key: string): Connection<T> => {
    let live = 0
    let best: Connection<T> | undefined
    for (const connection of all) {
      if (connection.owes(key)) connection.retire()
      if (connection.retired) continue
      live += 1
      if (!best || connection.load < best.load || (connection.load === best.load && connection.open && !best.open)) best = connection
    }
    if (best?.load === 0) return best
    if (live < options.connections && makeRoom()) return connect()
    if (best && best.load < options.pipeline) return best
    return fail('line-busy', `${options.connections} connections carry ${options.pipeline} requests each`, {}, 'no')
  }

  return {
    carry: waiting => {
      const wire = frame(line, waiting.request.bytes)
      choose(waiting.request.key).carry(waiting, wire)
    },
    connections: () => all.size,
    end: async () => {
      if (all.size === 0) return
      await new Promise<void>(resolve => {
        emptied = resolve
        for (const connection of all) connection.end()
      })
    },
  }
}
