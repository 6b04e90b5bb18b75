import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Fault } from '../../sdk/fault.ts'
import { Framer, frame } from '../../sdk/frame.ts'
import { http, tcp } from '../../sdk/line.ts'
import { type Exchange, listen } from '../../sdk/listen.ts'
import { authority, client, failure, message, serve, text, until, visitor } from './line-kit.ts'

const line = tcp(6, { maxBytes: 1000 })
const echo = (exchange: Exchange) => void exchange.answer(exchange.bytes)
const wire = (key: string, rest = ''): Uint8Array => frame(line, message(key, rest))
const raw = (wanted: string): Uint8Array => Uint8Array.from(Buffer.from(wanted, 'latin1'))
const bodiesOf = (stream: string): string[] => {
  const bodies: string[] = []
  const framer = new Framer(line, body => bodies.push(text(body)))
  framer.push(raw(stream))
  return bodies
}
/** Whatever was done to it, the line still serves. */
const stillServes = async (url: string): Promise<void> => {
  expect(await client(line, url).ask('alive', 'yes')).toBe('yes')
}

describe('requests over TCP', () => {
  test('cut in two at every byte', async () => {
    const bank = await serve(line, echo)
    const { socket, heard } = await visitor(bank.port)
    const whole = wire('a', '1')
    for (let cut = 1; cut < whole.length; cut++) {
      socket.write(whole.subarray(0, cut))
      await sleep(1)
      socket.write(whole.subarray(cut))
      await until(() => heard().length === cut * whole.length)
    }
    expect(bodiesOf(heard())).toEqual(Array(whole.length - 1).fill('a|1'))
    expect(bank.faults).toEqual([])
  })

  test.each([2, 3, 4, 5])('%i in one segment', async n => {
    const bank = await serve(line, echo)
    const { socket, heard } = await visitor(bank.port)
    const keys = Array.from({ length: n }, (_, i) => `k${i}`)
    socket.write(Buffer.concat(keys.map(key => wire(key))))
    await until(() => bodiesOf(heard()).length === n)
    expect(bodiesOf(heard())).toEqual(keys.map(key => `${key}|`))
  })

  test('in random segments', async () => {
    const bank = await serve(line, echo)
    const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(bodies, fc.infiniteStream(fc.integer({ min: 1, max: 90 })), async (sent, sizes) => {
        const { socket, heard } = await visitor(bank.port)
        const all = Buffer.concat(sent.map(body => frame(line, body)))
        for (let from = 0; from < all.length; ) {
          const to = from + sizes.next().value
          socket.write(all.subarray(from, to))
          if (to % 2 === 0) await sleep(0)
          from = to
        }
        await until(() => heard().length === all.length)
        socket.destroy()
        expect(heard()).toBe(all.toString('latin1'))
      }),
      { numRuns: 25 },
    )
    expect(bank.faults).toEqual([])
  })

  test('are handled as they come and answered when they are ready', async () => {
    const held: Exchange[] = []
    const bank = await serve(line, exchange => void held.push(exchange))
    const { socket, heard } = await visitor(bank.port)
    socket.write(Buffer.concat([wire('a'), wire('b')]))
    await until(() => held.length === 2)
    for (const exchange of held.reverse()) echo(exchange)
    await until(() => bodiesOf(heard()).length === 2)
    expect(bodiesOf(heard())).toEqual(['b|', 'a|'])
  })

  test('answers of one turn share their writes', async () => {
    // over TLS each write is a record and each record is heard apart, which TCP would hide
    const { ca, issue } = await authority('tax bureau')
    const held: Exchange[] = []
    const bank = await serve(line, exchange => void held.push(exchange), { tls: await issue('bank', 'server') })
    const { cert, key } = await issue('gateway', 'client')
    const socket = tls.connect({ port: bank.port, host: '127.0.0.1', ca, cert, key })
    onTestFinished(() => void socket.destroy())
    const records: Uint8Array[] = []
    socket.on('data', chunk => records.push(chunk))
    socket.write(Buffer.concat(Array.from({ length: 200 }, (_, i) => wire(`k${i}`))))
    await until(() => held.length === 200)
    held.forEach(echo)
    await until(() => bodiesOf(Buffer.concat(records).toString('latin1')).length === 200)
    expect(records.length).toBe(1)
  })

  test('are answered once', async () => {
    const said: boolean[] = []
    const bank = await serve(line, exchange => said.push(exchange.answer(message('a', '1')), exchange.answer(message('a', '2'))))
    const { ask, strays } = client(line, bank.url)
    expect(await ask('a')).toBe('1')
    await stillServes(bank.url).catch(() => undefined)
    expect(said.slice(0, 2)).toEqual([true, false])
    expect(strays).toEqual([])
  })

  test('an answer after the connection is lost is not written, and says so', async () => {
    const held: Exchange[] = []
    const bank = await serve(line, exchange => void held.push(exchange))
    const { socket } = await visitor(bank.port)
    socket.write(wire('a'))
    await until(() => held.length === 1)
    socket.resetAndDestroy()
    await sleep(20)
    expect(held[0]?.answer(message('a'))).toBe(false)
  })

  test('an answer that fits no frame is refused, and another may follow', async () => {
    const faults: unknown[] = []
    const bank = await serve(line, exchange => {
      for (const body of ['x'.repeat(1001), '']) {
        try {
          exchange.answer(raw(body))
        } catch (error) {
          faults.push(error instanceof Fault ? error.fault : error)
        }
      }
      echo(exchange)
    })
    await stillServes(bank.url)
    expect(faults).toEqual(['frame-too-large', 'bad-frame'])
  })

  test('who ends his half after the request still gets the answer', async () => {
    const bank = await serve(line, exchange => void setTimeout(() => echo(exchange), 20))
    const { socket, heard, ended } = await visitor(bank.port)
    socket.end(wire('a', '1'))
    await ended
    expect(bodiesOf(heard())).toEqual(['a|1'])
  })

  test('hangUp destroys the connection; what was answered before it has left', async () => {
    const bank = await serve(line, exchange => {
      echo(exchange)
      exchange.hangUp()
    })
    const { socket, heard, ended } = await visitor(bank.port)
    socket.write(wire('a', '1'))
    await ended
    expect(bodiesOf(heard())).toEqual(['a|1'])
  })

  test('a handler that throws costs its connection and nothing else', async () => {
    const bank = await serve(line, exchange => {
      if (text(exchange.bytes) !== 'alive|yes') throw new RangeError('account 6222021234567890123')
      echo(exchange)
    })
    expect(await failure(client(line, bank.url).ask('a'))).toBe('connection-lost maybe')
    await stillServes(bank.url)
    expect(bank.faults).toEqual(['internal'])
  })
})

describe('hostile bytes over TCP', () => {
  test.each(['FIN', 'RST'] as const)('a request cut at every byte by %s', async how => {
    const heard: string[] = []
    const bank = await serve(line, exchange => {
      heard.push(text(exchange.bytes))
      echo(exchange)
    })
    const whole = wire('a', '1')
    for (let cut = 0; cut < whole.length; cut++) {
      const { socket, ended } = await visitor(bank.port)
      if (cut > 0) await new Promise(resolve => socket.write(whole.subarray(0, cut), resolve))
      if (how === 'FIN') {
        socket.end()
        await ended
      } else {
        await sleep(1)
        socket.resetAndDestroy()
      }
    }
    await stillServes(bank.url)
    expect(heard).toEqual(['alive|yes'])
    expect(new Set(bank.faults)).toEqual(new Set(['connection-lost']))
    if (how === 'FIN') expect(bank.faults.length).toBe(whole.length - 1)
  })

  test.each([
    ['0', '000000', 'bad-frame'],
    ['max + 1', '001001', 'frame-too-large'],
    ['2^31 where six digits stand', '2147483648', 'frame-too-large'],
    ['negative', '-00001', 'bad-frame'],
    ['+100', '+00100', 'bad-frame'],
    ['a space for a zero', ' 00100', 'bad-frame'],
    ['hex', '0x000a', 'bad-frame'],
    ['full-width digits, UTF-8', '\xef\xbc\x91\xef\xbc\x90', 'bad-frame'],
    ['full-width digits, GBK', '\xa3\xb0\xa3\xb0\xa3\xb1', 'bad-frame'],
    ['a TLS ClientHello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 'bad-frame'],
    ['an HTTP request', 'POST /debit HTTP/1.1\r\n\r\n', 'bad-frame'],
    ['a length in characters', '000002\xd5\xc5\xc8\xfd', 'bad-frame'],
  ])('%s: the connection is destroyed', async (_, bytes, fault) => {
    const bank = await serve(line, echo)
    const { socket, ended } = await visitor(bank.port)
    socket.write(raw(bytes))
    await ended
    await until(() => bank.faults.length === 1)
    expect(bank.faults).toEqual([fault])
    await stillServes(bank.url)
  })

  test('one and max are taken', async () => {
    const bank = await serve(line, echo)
    const { socket, heard } = await visitor(bank.port)
    socket.write(Buffer.concat([frame(line, raw('x')), frame(line, raw('y'.repeat(1000)))]))
    await until(() => bodiesOf(heard()).length === 2)
    expect(bodiesOf(heard()).map(body => body.length)).toEqual([1, 1000])
  })

  test('frames before the broken one are still answered to others, and random bytes end in a fault', async () => {
    const bank = await serve(line, echo)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 6, maxLength: 400 }), async bytes => {
        const { socket, ended } = await visitor(bank.port)
        socket.end(bytes)
        await ended
        socket.destroy()
      }),
      { numRuns: 50 },
    )
    await stillServes(bank.url)
  })

  test.each([
    ['a header, then silence', '000900'],
    ['half a header, then silence', '0009'],
  ])('%s: the deadline of the frame', async (_, bytes) => {
    const bank = await serve(line, echo, { frameMs: 60 })
    const { socket, ended } = await visitor(bank.port)
    socket.write(raw(bytes))
    await ended
    expect(bank.faults).toEqual(['timeout'])
  })

  test('one byte every now and then does not extend the deadline', async () => {
    const bank = await serve(line, echo, { frameMs: 150 })
    const { socket, ended } = await visitor(bank.port)
    const whole = wire('a', 'x'.repeat(500))
    let sent = 0
    const timer = setInterval(() => socket.write(whole.subarray(sent, ++sent)), 20)
    await ended
    clearInterval(timer)
    expect(sent).toBeLessThan(whole.length)
    expect(bank.faults).toEqual(['timeout'])
  })

  test('one byte at a time within the deadline is a request', async () => {
    const bank = await serve(line, echo)
    const { socket, heard } = await visitor(bank.port)
    for (const byte of wire('a', '1')) {
      socket.write(Uint8Array.of(byte))
      await sleep(1)
    }
    await until(() => bodiesOf(heard()).length === 1)
  })

  test('each frame has its own deadline, however many follow each other', async () => {
    const bank = await serve(line, echo, { frameMs: 400 })
    const { socket, heard } = await visitor(bank.port)
    const whole = wire('a', '1')
    // always the end of one and the beginning of the next: something is pending all the time
    socket.write(whole.subarray(0, 3))
    for (let i = 0; i < 30; i++) {
      await sleep(20)
      socket.write(Buffer.concat([whole.subarray(3), whole.subarray(0, 3)]))
    }
    await until(() => bodiesOf(heard()).length === 30)
    expect(bank.faults).toEqual([])
  })

  test('an idle connection is ended', async () => {
    const bank = await serve(line, echo, { idleMs: 40 })
    const { ended } = await visitor(bank.port)
    await ended
    expect(bank.faults).toEqual([])
  })

  test('no more connections than allowed', async () => {
    const bank = await serve(line, echo, { maxConnections: 2 })
    const first = await visitor(bank.port)
    await visitor(bank.port)
    const third = await visitor(bank.port)
    await third.ended
    expect(bank.faults).toEqual(['line-busy'])
    first.socket.write(wire('a', '1'))
    await until(() => bodiesOf(first.heard()).length === 1)
  })

  test('who asks without end and reads nothing is not read any more', async () => {
    const wide = tcp(6)
    let asked = 0
    const bank = await serve(wide, exchange => {
      asked += 1
      exchange.answer(new Uint8Array(500_000))
    })
    const { socket } = await visitor(bank.port)
    socket.pause()
    const one = frame(wide, message('a', 'x'.repeat(200)))
    const many = Buffer.concat(Array(100).fill(one))
    let sent = 0
    for (let i = 0; i < 200; i++) {
      sent += 100
      if (!socket.write(many)) await sleep(2)
    }
    await sleep(50)
    // one segment of 64 KiB may hold some 300 requests; all 20,000 would be 10 GB of answers
    expect(sent).toBe(20_000)
    expect(asked).toBeLessThan(2_000)
  })

  test('requests that nobody answers yet are not read without end, and all are answered in the end', async () => {
    const held: Exchange[] = []
    let release = false
    const bank = await serve(line, exchange => void (release ? echo(exchange) : held.push(exchange)), { frameMs: 100 })
    const { socket, heard } = await visitor(bank.port)
    const one = wire('a', '1')
    socket.write(Buffer.concat(Array(50_000).fill(one)))
    await until(() => held.length >= 1_024)
    // longer than the deadline of a frame
    await sleep(150)
    expect(held.length).toBeLessThan(20_000)
    release = true
    held.forEach(echo)
    await until(() => heard().length === 50_000 * one.length)
    // a frame that waited because we did not read is not late
    expect(bank.faults).toEqual([])
  })
})

describe('close', () => {
  test('lets requests under way be answered and ends the rest', async () => {
    const held: Exchange[] = []
    const bank = await serve(line, exchange => void held.push(exchange))
    const idle = await visitor(bank.port)
    const busy = await visitor(bank.port)
    busy.socket.write(wire('a', '1'))
    await until(() => held.length === 1)
    const closed = bank.close()
    await idle.ended
    held.forEach(echo)
    await closed
    await busy.ended
    expect(bodiesOf(busy.heard())).toEqual(['a|1'])
  })

  test.each([line, http('/debit')])('does not wait for ever ($kind)', async some => {
    const bank = await serve(some, () => undefined)
    const asked = failure(client(some, bank.url).ask('a'))
    await sleep(20)
    await bank.close(30)
    expect(await asked).toBe('connection-lost maybe')
  })

  test('a port that is taken', async () => {
    const bank = await serve(line, echo)
    expect(await failure(listen(line, { port: bank.port }, echo))).toBe('bad-config maybe')
    expect(await failure(listen(line, { frameMs: 0 }, echo))).toBe('bad-config maybe')
  })
})

describe('TLS', () => {
  test('the certificate of the client is known, and one is demanded', async () => {
    const ours = await authority('tax bureau')
    const theirs = await authority('somebody')
    const peers: (string | undefined)[] = []
    const bank = await serve(
      line,
      exchange => {
        peers.push(exchange.peer.certificate?.subject, exchange.peer.address)
        echo(exchange)
      },
      { tls: await ours.issue('bank', 'server') },
    )
    expect(await client(line, bank.url, { tls: await ours.issue('gateway', 'client') }).ask('a', '1')).toBe('1')
    expect(peers).toEqual(['CN=gateway', '127.0.0.1'])
    // none, one of another authority, and one made for servers only
    const wrong = [{ ca: ours.ca }, { ...(await theirs.issue('gateway', 'client')), ca: ours.ca }, await ours.issue('gateway', 'server')]
    for (const tlsOfClient of wrong) {
      expect(await failure(client(line, bank.url, { tls: tlsOfClient }).ask('a'))).toMatch(/^(connect-failed no|connection-lost maybe)$/)
    }
    expect(peers.length).toBe(2)
    expect(new Set(bank.faults)).toEqual(new Set(['unauthenticated']))
  })

  test.each([line, http('/debit')])('plain bytes on the port of a TLS line ($kind)', async some => {
    const { issue } = await authority('tax bureau')
    const bank = await serve(some, echo, { tls: await issue('bank', 'server') })
    for (const bytes of [wire('a'), raw('POST /debit HTTP/1.1\r\nHost: a\r\n\r\n'), raw('\0'.repeat(100))]) {
      const { socket, ended } = await visitor(bank.port)
      socket.write(bytes)
      await ended
    }
    await until(() => bank.faults.length === 3)
    expect(new Set(bank.faults)).toEqual(new Set(['unauthenticated']))
  })

  test('a handshake that stands still', async () => {
    const { issue } = await authority('tax bureau')
    const bank = await serve(line, echo, { frameMs: 50, tls: await issue('bank', 'server') })
    const { socket, ended } = await visitor(bank.port)
    socket.write(raw('\x16\x03\x01'))
    await ended
    expect(bank.faults).toEqual(['unauthenticated'])
  })

  test('close ends connections inside their handshake too', async () => {
    const { issue } = await authority('tax bureau')
    const bank = await serve(line, echo, { tls: await issue('bank', 'server') })
    const { ended } = await visitor(bank.port)
    await sleep(10)
    await bank.close(0)
    await ended
  })

  test('TLS 1.1 is refused', async () => {
    const { ca, issue } = await authority('tax bureau')
    const bank = await serve(line, echo, { tls: await issue('bank', 'server') })
    const own = await issue('gateway', 'client')
    const old = tls.connect({
      port: bank.port,
      host: '127.0.0.1',
      ca,
      cert: own.cert,
      key: own.key,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
    })
    const error = await new Promise<Error>((resolve, reject) => {
      old.once('error', resolve)
      old.once('secureConnect', () => reject(new Error('TLS 1.1 was accepted')))
    })
    expect(error.message).toMatch(/protocol|version|ssl/i)
  })
})

describe('requests over HTTP', () => {
  const web = http('/debit', { contentType: 'text/xml', maxBytes: 100 })
  const post = (body: string, headers: readonly string[] = [`Content-Length: ${body.length}`], path = '/debit'): string =>
    [`POST ${path} HTTP/1.1`, 'Host: bank', ...headers, '', body].join('\r\n')
  const said = async (port: number, request: string): Promise<string> => {
    const { socket, heard, ended } = await visitor(port)
    socket.write(raw(request))
    await ended
    return heard()
  }

  test('any path is passed on, with the query', async () => {
    const paths: (string | undefined)[] = []
    const bank = await serve(web, exchange => {
      paths.push(exchange.path)
      echo(exchange)
    })
    const { socket, heard } = await visitor(bank.port)
    socket.write(raw(post('a|1') + post('b|2', undefined, '/inquiry?x=1')))
    await until(() => heard().includes('b|2'))
    expect(paths).toEqual(['/debit', '/inquiry?x=1'])
    expect(heard()).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/xml\r\ncontent-length: 3\r\n/)
    expect(bank.url).toMatch(/^http:/)
  })

  test('a body in chunks, and one byte at a time', async () => {
    const bank = await serve(web, echo)
    const { socket, heard } = await visitor(bank.port)
    for (const byte of post('2\r\na|\r\n1\r\n1\r\n0\r\n\r\n', ['Transfer-Encoding: chunked'])) {
      socket.write(byte)
      await sleep(0)
    }
    await until(() => heard().endsWith('a|1'))
  })

  test.each([
    ['GET', 'GET /debit HTTP/1.1\r\nHost: bank\r\n\r\n', 405, 'unsupported'],
    ['no length', post('', []), 411, 'missing'],
    ['a length of 0', post(''), 400, 'bad-frame'],
    ['a length beyond the limit', post('x', ['Content-Length: 101']), 413, 'frame-too-large'],
    ['a length of 2^31', post('x', ['Content-Length: 2147483648']), 413, 'frame-too-large'],
    ['chunks beyond the limit', post(`65\r\n${'x'.repeat(101)}\r\n`, ['Transfer-Encoding: chunked']), 413, 'frame-too-large'],
    ['gzip', post('a|1', ['Content-Length: 3', 'Content-Encoding: gzip']), 415, 'unexpected'],
    ['a negative length', post('x', ['Content-Length: -1']), 400, 'malformed'],
    ['+3', post('a|1', ['Content-Length: +3']), 400, 'malformed'],
    ['hex', post('a|1', ['Content-Length: 0x3']), 400, 'malformed'],
    ['two lengths', post('a|1', ['Content-Length: 3', 'Content-Length: 4']), 400, 'malformed'],
    ['a length and chunks', post('0\r\n\r\n', ['Content-Length: 3', 'Transfer-Encoding: chunked']), 400, 'malformed'],
    ['a chunk size that is none', post('-1\r\nx\r\n', ['Transfer-Encoding: chunked']), 400, 'malformed'],
    ['headers without end', `POST / HTTP/1.1\r\n${`X: ${'y'.repeat(60)}\r\n`.repeat(400)}`, 431, 'malformed'],
    ['a TCP frame', '000003a|1', 400, 'malformed'],
    ['a TLS ClientHello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 400, 'malformed'],
    ['a length that is too short: the rest is no request', post('a|1\x00\x01', ['Content-Length: 3']), 400, 'malformed'],
  ])('%s', async (_, request, status, fault) => {
    const heard: string[] = []
    const bank = await serve(web, exchange => {
      heard.push(text(exchange.bytes))
      echo(exchange)
    })
    expect(await said(bank.port, request)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    await until(() => bank.faults.length > 0)
    expect(bank.faults).toEqual([fault])
    expect(await client(web, bank.url).ask('alive', 'yes')).toBe('yes')
    expect(heard).toEqual(['alive|yes'])
  })

  test.each([
    ['nothing', ''],
    ['half the headers', 'POST /debit HTTP/1.1\r\nHost:'],
    ['a length, then silence', post('a|', ['Content-Length: 50'])],
    ['chunks that never end', post('1\r\nx\r\n', ['Transfer-Encoding: chunked'])],
  ])('%s: the deadline of the request', async (_, bytes) => {
    const bank = await serve(web, echo, { frameMs: 100 })
    const { socket, ended } = await visitor(bank.port)
    socket.write(raw(bytes))
    const timer = setInterval(() => bytes.endsWith('x\r\n') && socket.write('1\r\nx\r\n'), 30)
    await ended
    clearInterval(timer)
    expect(bank.faults).toEqual(['timeout'])
  })

  test.each(['FIN', 'RST'] as const)('a request cut at every byte by %s is never handled', async how => {
    const heard: string[] = []
    const bank = await serve(web, exchange => {
      heard.push(text(exchange.bytes))
      echo(exchange)
    })
    const whole = raw(post('a|1'))
    for (let cut = 0; cut < whole.length; cut++) {
      const { socket, ended } = await visitor(bank.port)
      if (cut > 0) await new Promise(resolve => socket.write(whole.subarray(0, cut), resolve))
      if (how === 'FIN') {
        socket.end()
        await ended
      } else {
        await sleep(1)
        socket.resetAndDestroy()
      }
    }
    expect(await client(web, bank.url).ask('alive', 'yes')).toBe('yes')
    expect(heard).toEqual(['alive|yes'])
  })

  test('is answered once; hangUp and a handler that throws cost the connection', async () => {
    const results: boolean[] = []
    const bank = await serve(web, exchange => {
      if (text(exchange.bytes) === 'a|') results.push(exchange.answer(message('a', '1')), exchange.answer(message('a', '2')))
      else if (text(exchange.bytes) === 'b|') exchange.hangUp()
      else throw new RangeError('account 6222021234567890123')
    })
    const { ask } = client(web, bank.url)
    expect(await ask('a')).toBe('1')
    expect(results).toEqual([true, false])
    expect(await failure(ask('b'))).toBe('connection-lost maybe')
    expect(await failure(ask('c'))).toBe('connection-lost maybe')
    expect(bank.faults).toEqual(['internal'])
  })

  test('raw plays any fault', async () => {
    const bank = await serve(web, exchange => exchange.raw(raw('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na|1')))
    expect(await client(web, bank.url).ask('a')).toBe('1')
  })
})
