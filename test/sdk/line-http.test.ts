import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { http } from '../../sdk/line.ts'
import type { Exchange } from '../../sdk/listen.ts'
import { authority, bare, client, failure, message, serve, text, until } from './line-kit.ts'

const line = http('/debit', { contentType: 'text/xml; charset=GBK', maxBytes: 1000 })
const echo = (exchange: Exchange) => void exchange.answer(exchange.bytes)
const at = (port: number): string => `http://127.0.0.1:${port}`
const answer = (body: string, headers: readonly string[] = [], status = '200 OK'): string =>
  [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers, '', body].join('\r\n')
const patience = 100

/** A bank that answers each POST (one segment each here) with the given bytes, by turns. */
const saying = async (...answers: readonly (string | Uint8Array)[]) => {
  const heard: string[] = []
  const { port, sockets } = await bare(socket =>
    socket.on('data', chunk => {
      heard.push(text(chunk))
      const next = answers[heard.length - 1]
      if (next !== undefined) socket.write(next)
    }),
  )
  return { url: at(port), heard, sockets }
}

describe('an HTTP line', () => {
  test('posts to its path, or to that of the request, with an exact length and without asking for compression', async () => {
    const { url, heard } = await saying(answer('a|1'), answer('b|2'))
    const { ask } = client(line, url)
    expect(await ask('a')).toBe('1')
    expect(await ask('b', '', { path: '/inquiry?x=1' })).toBe('2')
    expect(heard[0]).toMatch(/^POST \/debit HTTP\/1\.1\r\n/)
    expect(heard[0]?.toLowerCase()).toContain('content-type: text/xml; charset=gbk\r\ncontent-length: 2\r\naccept-encoding: identity\r\n')
    expect(heard[0]).toMatch(/\r\n\r\na\|$/)
    expect(heard[1]).toMatch(/^POST \/inquiry\?x=1 HTTP\/1\.1\r\n/)
  })

  test('keeps its connections, one request at a time on each', async () => {
    const bank = await serve(line, echo)
    const { peer, ask } = client(line, bank.url, { connections: 3 })
    for (let i = 0; i < 10; i++) expect(await ask(`k${i}`, `${i}`)).toBe(`${i}`)
    expect(peer.state()).toEqual({ connections: 1, inFlight: 0 })
    expect(await Promise.all(['a', 'b', 'c'].map(key => ask(key, key)))).toEqual(['a', 'b', 'c'])
    expect(peer.state()).toEqual({ connections: 3, inFlight: 0 })
  })

  test('beyond its connections a request fails at once', async () => {
    const held: Exchange[] = []
    const bank = await serve(line, exchange => void held.push(exchange))
    const { peer, ask, sent } = client(line, bank.url, { connections: 2, pipeline: 8 })
    const both = Promise.all([ask('a', '1'), ask('b', '2')])
    expect(await failure(ask('c'))).toBe('line-busy no')
    expect(await failure(ask('a'))).toBe('line-busy no')
    await until(() => held.length === 2)
    expect(peer.state()).toEqual({ connections: 2, inFlight: 2 })
    held.forEach(echo)
    expect(await both).toEqual(['1', '2'])
    expect(sent).toEqual(['a', 'b'])
  })

  test('ends idle connections', async () => {
    const bank = await serve(line, echo)
    const { peer, ask } = client(line, bank.url, { idleMs: 30 })
    await ask('a')
    await until(() => peer.state().connections === 0)
    expect(await ask('b', 'again')).toBe('again')
  })

  test('close refuses new requests and waits for those under way', async () => {
    const held: Exchange[] = []
    const bank = await serve(line, exchange => void held.push(exchange))
    const { peer, ask } = client(line, bank.url)
    const asked = ask('a', 'last')
    await until(() => held.length === 1)
    const closed = peer.close()
    expect(await failure(ask('b'))).toBe('line-closed no')
    held.forEach(echo)
    expect(await asked).toBe('last')
    await closed
    await until(() => peer.state().connections === 0)
  })
})

describe('certainly not sent', () => {
  test('nobody listens', async () => {
    const bank = await serve(line, echo)
    await bank.close(0)
    const { ask, sent } = client(line, bank.url)
    expect(await failure(ask('a'))).toBe('connect-failed no')
    expect(sent).toEqual([])
  })

  test('a TLS handshake that never comes, until connectMs or the time of the request', async () => {
    const { ca } = await authority('bank')
    const { port } = await bare(() => undefined)
    const slow = client(line, `https://127.0.0.1:${port}`, { connectMs: 50, tls: { ca } })
    expect(await failure(slow.ask('a'))).toBe('connect-failed no')
    const patient = client(line, `https://127.0.0.1:${port}`, { tls: { ca } })
    expect(await failure(patient.ask('a', '', { timeoutMs: 50 }))).toBe('connect-failed no')
    expect([slow.sent, patient.sent]).toEqual([[], []])
  })

  test.each([
    ['a body larger than the line takes', { bytes: message('a', 'x'.repeat(1000)) }, 'frame-too-large no'],
    ['an empty body', { bytes: new Uint8Array() }, 'bad-frame no'],
    ['a path that is none', { path: '/a b' }, 'bad-config no'],
    ['a path with a header', { path: '/a\r\nHost: other' }, 'bad-config no'],
    ['another authority', { path: '//other/a' }, 'bad-config no'],
  ])('%s', async (_, more, expected) => {
    const { url, sockets } = await saying()
    const { ask, sent } = client(line, url)
    expect(await failure(ask('a', '', more))).toBe(expected)
    expect([sent, sockets]).toEqual([[], []])
  })

  test('withdrawn before it was sent', async () => {
    const { ask, sent } = client(line, (await saying()).url)
    const control = new AbortController()
    const asked = failure(ask('a', '', { signal: control.signal }))
    control.abort()
    expect(await asked).toBe('line-closed no')
    expect(sent).toEqual([])
  })

  test('onSend refuses: its error is the answer and nothing is written', async () => {
    const { url, heard } = await saying(answer('b|goes on'))
    const { ask } = client(line, url)
    const refusal = new Error('the attempt is not recorded')
    const refuse = () => {
      throw refusal
    }
    await expect(ask('a', '', { onSend: refuse })).rejects.toBe(refusal)
    expect(await ask('b')).toBe('goes on')
    expect(heard.length).toBe(1)
  })
})

describe('perhaps sent', () => {
  test.each([
    ['status 500', answer('a|1', [], '500 Internal Server Error'), 'http-status'],
    ['status 201', answer('a|1', [], '201 Created'), 'http-status'],
    ['status 204', 'HTTP/1.1 204 No Content\r\n\r\n', 'http-status'],
    ['a redirect', answer('', ['Location: /elsewhere'], '307 Temporary Redirect'), 'http-status'],
    [
      'gzip',
      Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n'), gzipSync('a|1')]),
      'unexpected',
    ],
    ['a length beyond the limit', answer(`a|${'x'.repeat(1000)}`), 'frame-too-large'],
    ['a length of 2^31', 'HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\na|', 'frame-too-large'],
    [
      'chunks beyond the limit',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${`64\r\n${'x'.repeat(100)}\r\n`.repeat(11)}`,
      'frame-too-large',
    ],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\na|1', 'malformed'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\na|1', 'malformed'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na|1\r\n0\r\n\r\n', 'malformed'],
    ['a chunk size that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n０\r\na|1\r\n', 'malformed'],
    ['headers without end', `HTTP/1.1 200 OK\r\n${`X: ${'y'.repeat(60)}\r\n`.repeat(400)}`, 'malformed'],
    ['a TCP frame', '000003a|1', 'malformed'],
    ['a TLS alert', Uint8Array.of(0x15, 3, 1, 0, 2, 2, 0x46), 'malformed'],
    ['a length that is too short for the body', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na|1', 'malformed'],
    ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', 'connection-lost'],
  ])('%s', async (_, bytes, fault) => {
    const { url, heard } = await saying(bytes)
    const { peer, ask, sent } = client(line, url)
    expect(await failure(ask('a'))).toBe(`${fault} maybe`)
    expect([sent, heard.length]).toEqual([['a'], 1])
    await until(() => peer.state().connections === 0)
  })

  test.each(['FIN', 'RST'] as const)('an answer cut at every byte by %s', async how => {
    const whole = Buffer.from(answer('a|paid'))
    for (let cut = 0; cut < whole.length; cut++) {
      const { port } = await bare(socket =>
        socket.on('data', () => {
          socket.write(whole.subarray(0, cut))
          if (how === 'FIN') socket.end()
          else setImmediate(() => socket.resetAndDestroy())
        }),
      )
      const { ask } = client(line, at(port))
      expect(await failure(ask('a')), `cut at ${cut}`).toMatch(/^(connection-lost|malformed) maybe$/)
    }
  })

  test('an answer that never comes, or never ends', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    for (const start of [
      '',
      'HTTP/1.1 200',
      answer('a|').slice(0, -1),
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na|',
      chunked,
      'HTTP/1.1 100 Continue\r\n\r\n',
    ]) {
      const { port } = await bare(socket =>
        socket.once('data', () => {
          socket.write(start)
          if (start !== chunked) return
          const timer = setInterval(() => socket.write('1\r\nx\r\n'), 10)
          socket.once('close', () => clearInterval(timer))
        }),
      )
      const { peer, ask } = client(line, at(port))
      expect(await failure(ask('a', '', { timeoutMs: patience })), start).toBe('timeout maybe')
      await until(() => peer.state().connections === 0)
    }
  })

  test('one byte at a time is an answer all the same', async () => {
    const { port } = await bare(socket =>
      socket.once('data', () => {
        const bytes = [...Buffer.from(answer('a|paid'))]
        const next = () => {
          const byte = bytes.shift()
          if (byte === undefined) return
          socket.write(Uint8Array.of(byte))
          setImmediate(next)
        }
        next()
      }),
    )
    expect(await client(line, at(port)).ask('a')).toBe('paid')
  })

  test('100 Continue before the answer is no answer', async () => {
    const { url } = await saying(`HTTP/1.1 100 Continue\r\n\r\n${answer('a|1')}`)
    expect(await client(line, url).ask('a')).toBe('1')
  })

  test('a body that ends with the connection', async () => {
    const { port } = await bare(socket => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na|1')))
    expect(await client(line, at(port)).ask('a')).toBe('1')
  })

  test('the answer of another key: evidence strays and the connection is not used again', async () => {
    const { url, sockets } = await saying(answer('b|theirs'), answer('c|right'))
    const { ask, strays } = client(line, url)
    expect(await failure(ask('a'))).toBe('answer-mismatch maybe')
    expect(strays).toEqual([{ bytes: message('b', 'theirs'), key: 'b', value: 'theirs' }])
    expect(await ask('c')).toBe('right')
    expect(sockets.length).toBe(2)
  })

  test('a second answer on an idle connection is never the answer to the next request', async () => {
    for (const together of [true, false]) {
      const { port, sockets } = await bare((socket, nth) =>
        socket.on('data', () => {
          if (nth > 1) socket.write(answer('b|right'))
          else if (together) socket.write(answer('a|1') + answer('a|extra'))
          else {
            socket.write(answer('a|1'))
            setTimeout(() => socket.write(answer('a|extra')), 20)
          }
        }),
      )
      const { peer, ask } = client(line, at(port))
      expect(await ask('a')).toBe('1')
      await until(() => peer.state().connections === 0)
      expect(await ask('b')).toBe('right')
      expect(sockets.length).toBe(2)
    }
  })

  test('a second answer that meets the next request ends in doubt, never in a wrong result', async () => {
    let heard = 0
    const { port } = await bare(socket =>
      socket.on('data', () => {
        heard += 1
        if (heard === 1) socket.write(answer('a|1'))
        // what was owed to somebody else comes first
        else socket.write(answer('a|extra') + answer('b|2'))
      }),
    )
    const { ask, strays } = client(line, at(port))
    expect(await ask('a')).toBe('1')
    expect(await failure(ask('b'))).toBe('answer-mismatch maybe')
    expect(strays.map(stray => stray.value)).toEqual(['extra'])
  })

  test('a reset of a used connection before the answer is maybe, and nothing is sent twice', async () => {
    let heard = 0
    const { port } = await bare(socket =>
      socket.on('data', () => {
        heard += 1
        if (heard === 1) socket.write(answer('a|1'))
        else socket.resetAndDestroy()
      }),
    )
    const { ask, sent } = client(line, at(port))
    expect(await ask('a')).toBe('1')
    expect(await failure(ask('b'))).toBe('connection-lost maybe')
    expect([heard, sent]).toEqual([2, ['a', 'b']])
  })

  test('an answer before the whole request has left', async () => {
    const wide = http('/debit', { maxBytes: 64 * 1_048_576 })
    const { port } = await bare(socket => {
      socket.once('data', () => {
        socket.pause()
        socket.write(answer('a|early'))
      })
    })
    expect(await client(wide, at(port)).ask('a', 'x'.repeat(32 * 1_048_576))).toBe('early')
  })

  test('withdrawn after it was sent', async () => {
    const { url, heard } = await saying()
    const control = new AbortController()
    const asked = failure(client(line, url).ask('a', '', { signal: control.signal }))
    await until(() => heard.length === 1)
    control.abort()
    expect(await asked).toBe('timeout maybe')
  })
})

describe('HTTPS', () => {
  test('with a client certificate', async () => {
    const { issue } = await authority('tax bureau')
    const names: string[] = []
    const bank = await serve(
      line,
      exchange => {
        names.push(exchange.peer.certificate?.subject ?? '')
        echo(exchange)
      },
      { tls: await issue('bank', 'server') },
    )
    const { ask } = client(line, bank.url, { connections: 2, tls: await issue('gateway', 'client') })
    expect(bank.url).toMatch(/^https:/)
    expect(await Promise.all([ask('a', '1'), ask('b', '2')])).toEqual(['1', '2'])
    expect(await ask('c', '3')).toBe('3')
    expect(names).toEqual(Array(3).fill('CN=gateway'))
  })

  test('a bank of another authority, of another name, or without TLS gets not one byte of a request', async () => {
    const ours = await authority('tax bureau')
    const theirs = await authority('somebody')
    const tls = await ours.issue('gateway', 'client')
    const foreign = await serve(line, echo, { tls: { ...(await theirs.issue('bank', 'server')), ca: ours.ca } })
    const named = await serve(line, echo, { tls: await ours.issue('bank', 'server') })
    const plain = await bare(() => undefined)
    const calls = [
      client(line, foreign.url, { tls }),
      client(line, named.url, { tls: { ...tls, servername: 'other.bank.example' } }),
      client(line, `https://127.0.0.1:${plain.port}`, { tls, connectMs: 50 }),
    ]
    for (const { ask, sent } of calls) {
      expect(await failure(ask('a'))).toBe('connect-failed no')
      expect(sent).toEqual([])
    }
  })
})
