import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Fault } from '../../sdk/fault.ts'
import { Framer, frame } from '../../sdk/frame.ts'
import { dial, http, type LineOptions, tcp } from '../../sdk/line.ts'
import type { Exchange } from '../../sdk/listen.ts'
import { authority, bare, client, failure, message, read, serve, text, until } from './line-kit.ts'

const line = tcp(6)
const echo = (exchange: Exchange) => void exchange.answer(exchange.bytes)
const at = (port: number): string => `tcp://127.0.0.1:${port}`
const wire = (key: string, rest = ''): Uint8Array => frame(line, message(key, rest))
const patience = 100

describe('answers are matched by key', () => {
  test('whatever their order', async () => {
    const held: Exchange[] = []
    const bank = await serve(line, exchange => {
      held.push(exchange)
      if (held.length === 3) for (const other of held.reverse()) echo(other)
    })
    const { ask, strays } = client(line, bank.url)
    expect(await Promise.all([ask('a', '1'), ask('b', '2'), ask('c', '3')])).toEqual(['1', '2', '3'])
    expect(strays).toEqual([])
  })

  test('in any segments and any order, over several connections', async () => {
    const rests = fc.array(fc.string({ maxLength: 200 }), { minLength: 1, maxLength: 12 })
    const cuts = fc.infiniteStream(fc.integer({ min: 1, max: 60 }))
    await fc.assert(
      fc.asyncProperty(rests, cuts, async (values, sizes) => {
        // each socket answers its requests last first, once none of them is missing, in pieces of random sizes
        let heard = 0
        const { port } = await bare(socket => {
          const waiting: Uint8Array[] = []
          const framer = new Framer(line, body => {
            heard += 1
            waiting.unshift(body)
          })
          socket.on('data', chunk => framer.push(chunk))
          void until(() => heard === values.length).then(async () => {
            const all = Buffer.concat(waiting.map(body => frame(line, body)))
            for (let from = 0; from < all.length; ) {
              const to = from + sizes.next().value
              socket.write(all.subarray(from, to))
              from = to
              if (from % 3 === 0) await sleep(0)
            }
          })
        })
        const { peer, ask, strays } = client(line, at(port), { connections: 3, pipeline: 4 })
        const answers = await Promise.all(values.map((value, i) => ask(`k${i}`, value.replaceAll('|', '/'))))
        expect(answers).toEqual(values.map(value => text(Buffer.from(value.replaceAll('|', '/')))))
        expect(strays).toEqual([])
        await peer.close()
      }),
      { numRuns: 25 },
    )
  })

  test('an answer before any request, a second answer and one of another key stray', async () => {
    const bank = await serve(line, exchange => {
      exchange.raw(wire('foreign', 'x'))
      exchange.answer(exchange.bytes)
      exchange.raw(wire('a', 'again'))
      exchange.raw(wire('b', 'not asked yet'))
    })
    const { ask, strays } = client(line, bank.url)
    expect(await ask('a', '1')).toBe('1')
    await until(() => strays.length === 3)
    expect(strays).toEqual([
      { bytes: message('foreign', 'x'), key: 'foreign', value: 'x' },
      { bytes: message('a', 'again'), key: 'a', value: 'again' },
      { bytes: message('b', 'not asked yet'), key: 'b', value: 'not asked yet' },
    ])
    // the connection goes on, and what came too early is not the answer
    expect(await ask('b', '2')).toBe('2')
  })

  test('an answer to nobody at all strays as soon as the connection stands', async () => {
    const { port } = await bare(socket => void socket.write(wire('ghost')))
    const { ask, strays } = client(line, at(port))
    const asked = failure(ask('a', '', { timeoutMs: patience }))
    await until(() => strays.length === 1)
    expect(strays[0]?.key).toBe('ghost')
    expect(await asked).toBe('timeout maybe')
  })

  test('an answer on another connection than its request strays', async () => {
    let asked = 0
    const { port, sockets } = await bare(socket => {
      socket.on('data', () => {
        asked += 1
        if (asked === 2) for (const other of sockets) other.write(wire(other === sockets[0] ? 'b' : 'a', 'crossed'))
      })
    })
    const { ask, strays } = client(line, at(port), { connections: 2, pipeline: 1 })
    const results = Promise.all([failure(ask('a', '', { timeoutMs: patience })), failure(ask('b', '', { timeoutMs: patience }))])
    expect(await results).toEqual(['timeout maybe', 'timeout maybe'])
    expect(strays.map(stray => stray.value)).toEqual(['crossed', 'crossed'])
  })
})

describe('a late answer', () => {
  test('strays, and is not taken for the answer to a later request with the same key', async () => {
    const asked: Exchange[] = []
    const bank = await serve(line, exchange => void asked.push(exchange))
    const { peer, ask, strays } = client(line, bank.url)
    expect(await failure(ask('a', 'first', { timeoutMs: patience }))).toBe('timeout maybe')
    const second = ask('a', 'second')
    await until(() => asked.length === 2)
    // the bank answers the first request only now
    asked[0]?.answer(message('a', 'late'))
    await until(() => strays.length === 1)
    asked[1]?.answer(message('a', 'right'))
    expect(await second).toBe('right')
    expect(strays.map(stray => stray.value)).toEqual(['late'])
    // nothing is owed any more, so the first connection is gone
    await until(() => peer.state().connections === 1)
  })

  test('is heard with one connection and one request at a time', async () => {
    const asked: Exchange[] = []
    const bank = await serve(line, exchange => void asked.push(exchange))
    const { ask, strays } = client(line, bank.url, { pipeline: 1 })
    expect(await failure(ask('a', '', { timeoutMs: patience }))).toBe('timeout maybe')
    asked[0]?.answer(message('a', 'late'))
    await until(() => strays.length === 1)
    const next = ask('b')
    await until(() => asked.length === 2)
    asked[1]?.answer(message('b', 'right'))
    expect(await next).toBe('right')
  })

  test('a connection that owes as many answers as it may carry is not used again', async () => {
    // its other end may have died without a word; TCP itself would notice after a quarter of an hour
    const { port, sockets } = await bare((socket, nth) => socket.on('data', () => nth > 1 && socket.write(wire('c', 'new'))))
    const { ask } = client(line, at(port), { pipeline: 2 })
    expect(await failure(ask('a', '', { timeoutMs: 20 }))).toBe('timeout maybe')
    expect(await failure(ask('b', '', { timeoutMs: 20 }))).toBe('timeout maybe')
    expect(sockets.length).toBe(1)
    expect(await ask('c')).toBe('new')
    expect(sockets.length).toBe(2)
  })

  test('a bank that never answers is not given ever more sockets', async () => {
    const bank = await bare(socket => socket.on('data', () => undefined))
    const { peer, ask } = client(line, at(bank.port), { connections: 2, pipeline: 1 })
    for (let i = 0; i < 8; i++) {
      const pair = await Promise.all([failure(ask(`a${i}`, '', { timeoutMs: 20 })), failure(ask(`b${i}`, '', { timeoutMs: 20 }))])
      expect(pair).toEqual(['timeout maybe', 'timeout maybe'])
      expect(peer.state().connections).toBeLessThanOrEqual(4)
    }
  })
})

describe('room', () => {
  test('beyond connections × pipeline a request fails at once and is not queued', async () => {
    const held: Exchange[] = []
    const bank = await serve(line, exchange => void held.push(exchange))
    const { peer, ask, sent } = client(line, bank.url, { connections: 2, pipeline: 3 })
    const six = ['a', 'b', 'c', 'd', 'e', 'f'].map(key => ask(key))
    expect(await failure(ask('g'))).toBe('line-busy no')
    await until(() => held.length === 6)
    expect(peer.state()).toEqual({ connections: 2, inFlight: 6 })
    for (const exchange of held) echo(exchange)
    await Promise.all(six)
    expect(peer.state()).toEqual({ connections: 2, inFlight: 0 })
    expect(sent.sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('the least loaded connection is taken', async () => {
    const { port, sockets } = await bare(() => undefined)
    const heard = new Map<number, number>()
    const { ask } = client(line, at(port), { connections: 3, pipeline: 4 })
    for (let i = 0; i < 9; i++) void failure(ask(`k${i}`, '', { timeoutMs: 2_000 }))
    await until(() => sockets.length === 3)
    sockets.forEach((socket, i) => {
      const framer = new Framer(line, () => heard.set(i, (heard.get(i) ?? 0) + 1))
      socket.on('data', chunk => framer.push(chunk))
    })
    await until(() => [...heard.values()].reduce((a, b) => a + b, 0) === 9)
    expect([...heard.values()]).toEqual([3, 3, 3])
  })

  test('one request after the other needs one connection', async () => {
    const bank = await serve(line, echo)
    const { peer, ask } = client(line, bank.url, { connections: 5, pipeline: 1 })
    for (let i = 0; i < 20; i++) await ask(`k${i}`)
    expect(peer.state()).toEqual({ connections: 1, inFlight: 0 })
  })

  test('a key already under way is refused', async () => {
    const held: Exchange[] = []
    const bank = await serve(line, exchange => void held.push(exchange))
    const { ask } = client(line, bank.url, { connections: 2 })
    const first = ask('a', '1')
    expect(await failure(ask('a', '2'))).toBe('line-busy no')
    await until(() => held.length === 1)
    held.forEach(echo)
    expect(await first).toBe('1')
  })

  test('requests of one turn share their writes', async () => {
    // over TLS each write is a record and each record is heard apart, which TCP would hide
    const { ca, issue } = await authority('tax bureau')
    const heard: number[] = []
    const server = tls.createServer({ ...(await issue('bank', 'server')) }, socket => {
      const framer = new Framer(line, body => {
        heard.push(body.length)
        socket.write(frame(line, body))
      })
      socket.on('data', chunk => {
        heard.push(0)
        framer.push(chunk)
      })
    })
    onTestFinished(() => void server.close())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const { peer, ask } = client(line, `tls://127.0.0.1:${port}`, { pipeline: 200, tls: { ca } })
    await ask('warm')
    heard.length = 0
    await Promise.all(Array.from({ length: 200 }, (_, i) => ask(`k${i}`, 'x'.repeat(50))))
    expect(heard.filter(length => length > 0).length).toBe(200)
    expect(heard.filter(length => length === 0).length).toBe(1)
    await peer.close()
  })

  test('an idle connection is ended, and a new one opened when needed', async () => {
    const bank = await serve(line, echo)
    const { peer, ask } = client(line, bank.url, { idleMs: 30 })
    await ask('a')
    await until(() => peer.state().connections === 0)
    expect(await ask('b', 'again')).toBe('again')
  })

  test('a connection with a request under way is not idle', async () => {
    const bank = await serve(line, exchange => void setTimeout(() => echo(exchange), 120))
    const { ask } = client(line, bank.url, { idleMs: 30 })
    expect(await ask('a', 'slow')).toBe('slow')
  })
})

describe('certainly not sent', () => {
  test('nobody listens', async () => {
    const { port, sockets } = await bare(() => undefined)
    const bank = await serve(line, echo)
    await bank.close(0)
    const { ask, sent } = client(line, bank.url)
    expect(await failure(ask('a'))).toBe('connect-failed no')
    expect([sent, sockets.length, port > 0]).toEqual([[], 0, true])
  })

  test('no such host', async () => {
    const { ask, sent } = client(line, 'tcp://bank.invalid:4000')
    expect(await failure(ask('a'))).toBe('connect-failed no')
    expect(sent).toEqual([])
  })

  test('the bank accepts but its TLS handshake never comes: connectMs', async () => {
    const { ca } = await authority('bank')
    const { port } = await bare(() => undefined)
    const { ask, sent } = client(line, `tls://127.0.0.1:${port}`, { connectMs: 50, tls: { ca } })
    expect(await failure(ask('a'))).toBe('connect-failed no')
    expect(sent).toEqual([])
  })

  test('the time of the request is over before the connection stands', async () => {
    const { ca } = await authority('bank')
    const { port } = await bare(() => undefined)
    const { ask, sent } = client(line, `tls://127.0.0.1:${port}`, { tls: { ca } })
    expect(await failure(ask('a', '', { timeoutMs: 50 }))).toBe('connect-failed no')
    expect(sent).toEqual([])
  })

  test('withdrawn before it was sent', async () => {
    const { ca } = await authority('bank')
    const { port } = await bare(() => undefined)
    const { peer, ask, sent } = client(line, `tls://127.0.0.1:${port}`, { tls: { ca } })
    const control = new AbortController()
    const asked = failure(ask('a', '', { signal: control.signal }))
    control.abort()
    expect(await asked).toBe('line-closed no')
    expect(await failure(ask('b', '', { signal: control.signal }))).toBe('line-closed no')
    expect([sent, peer.state().inFlight]).toEqual([[], 0])
  })

  test('withdrawn in the turn it was asked, on an open connection', async () => {
    const heard: string[] = []
    const bank = await serve(line, exchange => {
      heard.push(text(exchange.bytes))
      echo(exchange)
    })
    const { ask, sent } = client(line, bank.url)
    await ask('a')
    const control = new AbortController()
    const asked = failure(ask('b', '', { signal: control.signal }))
    control.abort()
    expect(await asked).toBe('line-closed no')
    await ask('c')
    expect([sent, heard]).toEqual([
      ['a', 'c'],
      ['a|', 'c|'],
    ])
  })

  test('onSend refuses: its error is the answer and nothing is written', async () => {
    const heard: string[] = []
    const bank = await serve(line, exchange => {
      heard.push(text(exchange.bytes))
      echo(exchange)
    })
    const { ask } = client(line, bank.url)
    const refusal = new Error('the attempt is not recorded')
    const refuse = () => {
      throw refusal
    }
    await expect(ask('a', '', { onSend: refuse })).rejects.toBe(refusal)
    expect(await ask('b', 'goes on')).toBe('goes on')
    expect(heard).toEqual(['b|goes on'])
  })

  test('a request that fits no frame', async () => {
    const bank = await serve(line, echo)
    const { peer, ask, sent } = client(tcp(2), bank.url)
    expect(await failure(ask('a', 'x'.repeat(98)))).toBe('frame-too-large no')
    expect([sent, peer.state()]).toEqual([[], { connections: 0, inFlight: 0 }])
  })

  test('a time-out that a timer cannot count', async () => {
    const { ask } = client(line, 'tcp://127.0.0.1:9')
    expect(await failure(ask('a', '', { timeoutMs: 2 ** 31 }))).toBe('bad-config no')
    expect(await failure(ask('a', '', { timeoutMs: 0 }))).toBe('bad-config no')
  })
})

describe('perhaps sent', () => {
  test('onSend comes before the first byte, and everything after it is maybe', async () => {
    const { port } = await bare(socket => socket.on('data', () => socket.resetAndDestroy()))
    const { ask, sent } = client(line, at(port))
    const asked = ask('a')
    expect(sent).toEqual([])
    expect(await failure(asked)).toBe('connection-lost maybe')
    expect(sent).toEqual(['a'])
  })

  test('withdrawn after it was sent', async () => {
    const asked: Exchange[] = []
    const bank = await serve(line, exchange => void asked.push(exchange))
    const { ask } = client(line, bank.url)
    const control = new AbortController()
    const result = failure(ask('a', '', { signal: control.signal }))
    await until(() => asked.length === 1)
    control.abort()
    expect(await result).toBe('timeout maybe')
  })

  test('a lost connection loses all its requests and is not used again; nothing is sent twice', async () => {
    const heard: string[] = []
    const bank = await serve(line, exchange => {
      heard.push(text(exchange.bytes))
      if (heard.length === 3) exchange.hangUp()
      if (heard.length > 3) echo(exchange)
    })
    const { ask } = client(line, bank.url)
    expect(await Promise.all(['a', 'b', 'c'].map(key => failure(ask(key))))).toEqual(Array(3).fill('connection-lost maybe'))
    expect(await ask('d', 'new')).toBe('new')
    expect(heard).toEqual(['a|', 'b|', 'c|', 'd|new'])
  })

  test.each(['FIN', 'RST'] as const)('an answer cut at every byte by %s', async how => {
    const answer = wire('a', 'paid')
    for (let cut = 0; cut < answer.length; cut++) {
      const { port } = await bare(socket =>
        socket.on('data', () => {
          if (cut > 0) socket.write(answer.subarray(0, cut))
          if (how === 'FIN') socket.end()
          else setImmediate(() => socket.resetAndDestroy())
        }),
      )
      const { peer, ask } = client(line, at(port))
      expect(await failure(ask('a')), `cut at ${cut}`).toBe('connection-lost maybe')
      await until(() => peer.state().connections === 0)
    }
  })

  test('a whole answer and FIN at once is an answer', async () => {
    const { port } = await bare(socket => socket.on('data', () => socket.end(wire('a', 'paid'))))
    expect(await client(line, at(port)).ask('a')).toBe('paid')
  })

  test.each([
    ['a length of zero', '000000', 'bad-frame'],
    ['+100', '+00100', 'bad-frame'],
    ['hex', '0x0010', 'bad-frame'],
    ['full-width digits', '１００', 'bad-frame'],
    ['an HTTP answer', 'HTTP/1.1 200 OK\r\n', 'bad-frame'],
    ['a TLS alert', '\x15\x03\x01\x00\x02\x02\x46', 'bad-frame'],
    ['more than the line takes', '999999', 'frame-too-large'],
  ])('broken framing, %s: all requests of the connection fail with it, the connection is destroyed', async (_, bytes, fault) => {
    const short = tcp(6, { maxBytes: 1000 })
    let asked = 0
    const bank = await serve(short, exchange => {
      asked += 1
      if (asked === 2) exchange.raw(Uint8Array.from(Buffer.from(bytes)))
      if (asked > 2) echo(exchange)
    })
    const { ask, strays } = client(short, bank.url)
    expect(await Promise.all([failure(ask('a')), failure(ask('b'))])).toEqual([`${fault} maybe`, `${fault} maybe`])
    expect(await ask('c', 'new')).toBe('new')
    expect(strays).toEqual([])
  })

  test('broken framing while nothing is under way strays', async () => {
    const bank = await serve(line, exchange => {
      echo(exchange)
      setImmediate(() => exchange.raw(Uint8Array.from(Buffer.from('oops'))))
    })
    const { peer, ask, strays } = client(line, bank.url)
    await ask('a')
    await until(() => strays.length === 1)
    expect(strays[0]?.fault?.fault).toBe('bad-frame')
    await until(() => peer.state().connections === 0)
  })

  test('half an answer, then silence: the request times out and its connection is not used again', async () => {
    const { port, sockets } = await bare((socket, nth) =>
      socket.on('data', () => void socket.write(nth === 1 ? wire('a', 'paid').subarray(0, 9) : wire('b', 'new'))),
    )
    const { peer, ask } = client(line, at(port))
    expect(await failure(ask('a', '', { timeoutMs: patience }))).toBe('timeout maybe')
    expect(await ask('b')).toBe('new')
    expect(sockets.length).toBe(2)
    await until(() => peer.state().connections === 1)
  })

  test('a frame that never ends, byte after byte: the time-out of the request decides', async () => {
    const { port } = await bare(socket =>
      socket.once('data', () => {
        socket.write(Uint8Array.from(Buffer.from('999999')))
        const timer = setInterval(() => socket.write('x'), 10)
        socket.once('close', () => clearInterval(timer))
      }),
    )
    const { peer, ask } = client(line, at(port))
    expect(await failure(ask('a', '', { timeoutMs: patience }))).toBe('timeout maybe')
    await until(() => peer.state().connections === 0)
  })
})

describe('a frame that cannot be read', () => {
  test('is the answer to the only request under way', async () => {
    const bank = await serve(line, exchange => {
      if (text(exchange.bytes) === 'a|') exchange.answer(Uint8Array.from(Buffer.from('garbage')))
      else echo(exchange)
    })
    const { peer, ask, strays } = client(line, bank.url)
    expect(await failure(ask('a'))).toBe('malformed maybe')
    expect(await ask('b', 'same connection')).toBe('same connection')
    expect([strays, peer.state().connections]).toEqual([[], 1])
  })

  test('strays when it can be the answer to several, which go on waiting', async () => {
    const held: Exchange[] = []
    const bank = await serve(line, exchange => void held.push(exchange))
    const { ask, strays } = client(line, bank.url)
    const both = Promise.all([ask('a', '1'), ask('b', '2')])
    await until(() => held.length === 2)
    held[0]?.raw(frame(line, Uint8Array.from(Buffer.from('garbage'))))
    held.forEach(echo)
    expect(await both).toEqual(['1', '2'])
    expect(strays.map(stray => [text(stray.bytes), stray.fault?.fault])).toEqual([['garbage', 'malformed']])
  })

  test('strays when it may be a late answer', async () => {
    const held: Exchange[] = []
    const bank = await serve(line, exchange => void held.push(exchange))
    const { ask, strays } = client(line, bank.url)
    expect(await failure(ask('a', '', { timeoutMs: patience }))).toBe('timeout maybe')
    const next = ask('b', '2')
    await until(() => held.length === 2)
    held[0]?.answer(Uint8Array.from(Buffer.from('garbage')))
    await until(() => strays.length === 1)
    held.forEach(echo)
    expect(await next).toBe('2')
  })

  test('an error that is no fault becomes one, without its text', async () => {
    const bank = await serve(line, echo)
    const peer = dial(line, bank.url, { connections: 1, pipeline: 1, connectMs: 1_000, idleMs: 1_000 }, () => {
      throw new RangeError('account 6222021234567890123')
    })
    const fault = await peer.ask({ bytes: message('a'), key: 'a', timeoutMs: 1_000 }).catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(Fault)
    expect(String(fault)).toContain('RangeError')
    expect(String(fault)).not.toContain('6222')
    await peer.close()
  })
})

describe('close', () => {
  test('refuses new requests, waits for those under way, ends the sockets', async () => {
    const held: Exchange[] = []
    const bank = await serve(line, exchange => void held.push(exchange))
    const { peer, ask } = client(line, bank.url, { connections: 2 })
    const asked = ask('a', 'last')
    await until(() => held.length === 1)
    const closed = peer.close()
    expect(await failure(ask('b'))).toBe('line-closed no')
    held.forEach(echo)
    expect(await asked).toBe('last')
    await closed
    expect(peer.state()).toEqual({ connections: 0, inFlight: 0 })
    expect(await failure(ask('c'))).toBe('line-closed no')
  })

  test('waits no longer than the time-outs', async () => {
    const bank = await serve(line, () => undefined)
    const { peer, ask } = client(line, bank.url)
    const asked = failure(ask('a', '', { timeoutMs: patience }))
    await peer.close()
    expect(await asked).toBe('timeout maybe')
    expect(peer.state()).toEqual({ connections: 0, inFlight: 0 })
  })

  test('of a line never used', async () => {
    await client(line, 'tcp://127.0.0.1:9').peer.close()
  })
})

describe('TLS', () => {
  test('with a client certificate, many at a time', async () => {
    const { issue } = await authority('tax bureau')
    const bank = await serve(line, echo, { tls: await issue('bank', 'server') })
    const { peer, ask } = client(line, bank.url, { connections: 2, tls: await issue('gateway', 'client') })
    expect(bank.url).toMatch(/^tls:/)
    const keys = Array.from({ length: 16 }, (_, i) => `k${i}`)
    expect(await Promise.all(keys.map(key => ask(key, key)))).toEqual(keys)
    await peer.close()
  })

  test('a bank of another authority gets not one byte', async () => {
    const ours = await authority('tax bureau')
    const theirs = await authority('somebody')
    const bank = await serve(line, echo, { tls: { ...(await theirs.issue('bank', 'server')), ca: ours.ca } })
    const { ask, sent } = client(line, bank.url, { tls: await ours.issue('gateway', 'client') })
    expect(await failure(ask('a'))).toBe('connect-failed no')
    expect(sent).toEqual([])
  })

  test('a bank of another name gets not one byte', async () => {
    const ours = await authority('tax bureau')
    const bank = await serve(line, echo, { tls: await ours.issue('bank', 'server') })
    const tls = { ...(await ours.issue('gateway', 'client')), servername: 'other.bank.example' }
    const { ask, sent } = client(line, bank.url, { tls })
    expect(await failure(ask('a'))).toBe('connect-failed no')
    expect(sent).toEqual([])
  })

  test('a plain server on the port of a TLS line gets not one byte of a request', async () => {
    const { ca } = await authority('tax bureau')
    const bank = await serve(line, echo)
    const { ask, sent } = client(line, bank.url.replace('tcp:', 'tls:'), { tls: { ca } })
    expect(await failure(ask('a'))).toBe('connect-failed no')
    expect(sent).toEqual([])
  })

  test('a TLS server on the port of a plain line: whatever it answers is no frame', async () => {
    const { issue } = await authority('tax bureau')
    const bank = await serve(line, echo, { tls: await issue('bank', 'server') })
    const { ask } = client(line, bank.url.replace('tls:', 'tcp:'))
    expect(await failure(ask('a'))).toMatch(/^(bad-frame|connection-lost) maybe$/)
  })
})

describe('dial', () => {
  const options: LineOptions = { connections: 1, pipeline: 1, connectMs: 1, idleMs: 1 }
  test.each([
    ['no URL', line, 'bank', options],
    ['HTTP for a TCP line', line, 'http://127.0.0.1:80', options],
    ['TCP for an HTTP line', http('/a'), 'tcp://127.0.0.1:80', options],
    ['no port', line, 'tcp://127.0.0.1', options],
    ['a path', line, 'tcp://127.0.0.1:80/a', options],
    ['a user', line, 'tcp://u:p@127.0.0.1:80', options],
    ['TLS without authorities', line, 'tls://127.0.0.1:80', options],
    ['an empty authority', line, 'tls://127.0.0.1:80', { ...options, tls: { ca: ' ' } }],
    ['a broken certificate', line, 'tls://127.0.0.1:80', { ...options, tls: { ca: 'x', cert: 'x', key: 'x' } }],
    ['a certificate without its key', line, 'tls://127.0.0.1:80', { ...options, tls: { ca: 'x', cert: 'x' } }],
    ['a plain line with TLS options', line, 'tcp://127.0.0.1:80', { ...options, tls: { ca: 'x' } }],
    ['no connections', line, 'tcp://127.0.0.1:80', { ...options, connections: 0 }],
    ['half a request', line, 'tcp://127.0.0.1:80', { ...options, pipeline: 0.5 }],
    ['no time', line, 'tcp://127.0.0.1:80', { ...options, connectMs: 0 }],
  ] as const)('%s is refused', (_, some, url, how) => {
    expect(() => dial(some, url, how, read)).toThrow(expect.objectContaining({ fault: 'bad-config', delivered: 'no' }))
  })
})
