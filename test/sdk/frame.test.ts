import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../sdk/fault.ts'
import { Framer, frame, Pile } from '../../sdk/frame.ts'
import { http, type TcpLine, tcp } from '../../sdk/line.ts'

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const faultOf = (act: () => unknown): Fault => {
  try {
    act()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('no fault')
}
const collect = (line: TcpLine) => {
  const bodies: string[] = []
  const framer = new Framer(line, body => bodies.push(text(body)))
  return { bodies, framer }
}
const refusal = (line: TcpLine, wire: string): Fault => faultOf(() => collect(line).framer.push(ascii(wire)))

const lines: Record<string, TcpLine> = {
  'six digits': tcp(6),
  'four digits, counting themselves': tcp(4, { countsItself: true }),
  'spaces before': tcp(6, { pad: ' ' }),
  'spaces after (农行)': tcp(6, { pad: ' ', align: 'left' }),
  'leader EF 14': tcp(5, { leader: Uint8Array.of(0xef, 0x14), countsItself: true }),
}

describe('a declaration', () => {
  test('has the values of the house unless told otherwise', () => {
    expect(tcp(6)).toEqual({
      kind: 'tcp',
      digits: 6,
      pad: '0',
      align: 'right',
      countsItself: false,
      leader: new Uint8Array(),
      maxBytes: 1_048_576,
    })
    expect(http('/debit')).toEqual({ kind: 'http', path: '/debit', contentType: 'application/octet-stream', maxBytes: 1_048_576 })
  })

  test.each([
    ['no digits', () => tcp(0)],
    ['half a digit', () => tcp(2.5)],
    ['too many digits', () => tcp(11)],
    ['zeros after the length', () => tcp(6, { align: 'left' })],
    ['no room', () => tcp(6, { maxBytes: 0 })],
    ['room for ever', () => tcp(6, { maxBytes: Number.POSITIVE_INFINITY })],
    ['a long leader', () => tcp(6, { leader: new Uint8Array(17) })],
    ['a relative path', () => http('debit')],
    ['a second authority', () => http('//other.example/debit')],
    ['a path with a line break', () => http('/a\r\nHost: b')],
    ['a fragment', () => http('/a#b')],
    ['a broken media type', () => http('/a', { contentType: 'text/xml\r\nx: y' })],
  ])('%s is refused', (_, declare) => {
    expect(faultOf(declare).fault).toBe('bad-declaration')
  })

  test('keeps its own copy of the leader', () => {
    const leader = Uint8Array.of(1, 2)
    const line = tcp(4, { leader })
    leader[0] = 9
    expect(line.leader).toEqual(Uint8Array.of(1, 2))
  })
})

describe('writing a frame', () => {
  test.each([
    ['six digits', '000003abc'],
    ['four digits, counting themselves', '0007abc'],
    ['spaces before', '     3abc'],
    ['spaces after (农行)', '3     abc'],
    ['leader EF 14', '\xef\x1400008abc'],
  ])('%s', (name, wire) => {
    expect(text(frame(lines[name] ?? tcp(1), ascii('abc')))).toBe(wire)
  })

  test('takes what the digits hold and not one byte more', () => {
    expect(text(frame(tcp(1), ascii('123456789')))).toBe('9123456789')
    expect(faultOf(() => frame(tcp(1), ascii('1234567890')))).toMatchObject({ fault: 'frame-too-large', delivered: 'no' })
    expect(text(frame(tcp(1, { countsItself: true }), ascii('12345678')))).toBe('912345678')
    expect(faultOf(() => frame(tcp(1, { countsItself: true }), ascii('123456789'))).fault).toBe('frame-too-large')
  })

  test('takes maxBytes of body and not one byte more', () => {
    const line = tcp(4, { maxBytes: 5 })
    expect(text(frame(line, ascii('12345')))).toBe('000512345')
    expect(faultOf(() => frame(line, ascii('123456')))).toMatchObject({ fault: 'frame-too-large', delivered: 'no' })
  })

  test('refuses an empty body', () => {
    expect(faultOf(() => frame(tcp(4), new Uint8Array()))).toMatchObject({ fault: 'bad-frame', delivered: 'no' })
  })
})

describe('reading frames', () => {
  describe.each(Object.entries(lines))('%s', (_, line) => {
    const bodies = ['a', 'KK01|湘江', '0000030', '\xff\x00 000001', 'z'.repeat(300)].map(body => text(Buffer.from(body)))
    const wire = Buffer.concat(bodies.map(body => frame(line, ascii(body))))

    test('cut in two at every byte', () => {
      for (let at = 0; at <= wire.length; at++) {
        const { bodies: got, framer } = collect(line)
        framer.push(wire.subarray(0, at))
        framer.push(wire.subarray(at))
        expect(got, `cut at ${at}`).toEqual(bodies)
        expect(framer.pending).toBe(0)
      }
    })

    test('byte by byte, and all at once', () => {
      const slow = collect(line)
      for (const byte of wire) slow.framer.push(Uint8Array.of(byte))
      expect(slow.bodies).toEqual(bodies)
      const fast = collect(line)
      fast.framer.push(wire)
      expect(fast.bodies).toEqual(bodies)
    })

    test('any frames in any segments', () => {
      const some = fc.array(fc.uint8Array({ minLength: 1, maxLength: 700 }), { minLength: 1, maxLength: 6 })
      const cuts = fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 40 })
      fc.assert(
        fc.property(some, cuts, (sent, at) => {
          const got: Uint8Array[] = []
          const framer = new Framer(line, body => got.push(body))
          const all = Buffer.concat(sent.map(body => frame(line, body)))
          let from = 0
          for (const to of [...at.filter(cut => cut < all.length).sort((a, b) => a - b), all.length]) {
            framer.push(all.subarray(from, to))
            from = to
          }
          expect(got.map(text)).toEqual(sent.map(text))
          expect([framer.pending, framer.room]).toEqual([0, 0])
        }),
      )
    })

    test('random bytes end in frames or in a Fault, and never hold more than arrived', () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), chunks => {
          const framer = new Framer(line, () => undefined)
          let arrived = 0
          for (const chunk of chunks) {
            arrived += chunk.length
            try {
              framer.push(chunk)
            } catch (error) {
              expect(error).toBeInstanceOf(Fault)
              return
            }
            expect(framer.pending).toBeLessThanOrEqual(arrived)
          }
        }),
      )
    })
  })

  test('pending counts what has arrived of the header and of the body', () => {
    const { framer } = collect(tcp(6))
    const seen = Array.from('000003abc', byte => {
      framer.push(ascii(byte))
      return framer.pending
    })
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 0])
  })

  test('a body is shared neither with the segment nor with the next body', () => {
    const got: Uint8Array[] = []
    const framer = new Framer(tcp(1), body => got.push(body))
    const segment = ascii('3abc3def')
    framer.push(segment)
    segment.fill(0)
    expect(got.map(text)).toEqual(['abc', 'def'])
    expect(got[0]?.buffer).not.toBe(got[1]?.buffer)
    expect(got.map(body => body.buffer.byteLength)).toEqual([3, 3])
  })

  test('a length that lies costs only what arrives', () => {
    const { framer } = collect(tcp(7, { maxBytes: 1_048_576 }))
    framer.push(ascii('1048576'))
    expect(framer.room).toBe(0)
    framer.push(ascii('x'))
    expect(framer.room).toBeLessThanOrEqual(256)
    for (let i = 0; i < 10_000; i++) framer.push(ascii('x'))
    expect(framer.pending).toBe(10_008)
    expect(framer.room).toBeLessThanOrEqual(2 * 10_001)
  })

  test('room never exceeds the frame', () => {
    const { framer, bodies } = collect(tcp(4))
    framer.push(ascii('1000'))
    for (let i = 0; i < 999; i++) {
      framer.push(ascii('x'))
      expect(framer.room).toBeLessThanOrEqual(1000)
    }
    framer.push(ascii('x'))
    expect(bodies).toEqual(['x'.repeat(1000)])
  })
})

describe('lengths that are refused', () => {
  const six = tcp(6)
  test.each([
    ['0', six, '000000', 'bad-frame', 0],
    ['2^31', tcp(10), '2147483648', 'frame-too-large', 0],
    ['the largest ten digits', tcp(10), '9999999999', 'frame-too-large', 0],
    ['negative', six, '-00100', 'bad-frame', 0],
    ['+100', six, '+00100', 'bad-frame', 0],
    ['a space for a zero', six, ' 00100', 'bad-frame', 0],
    ['a space inside', six, '00 100', 'bad-frame', 2],
    ['a space after', six, '00100 ', 'bad-frame', 5],
    ['hex', six, '0000ff', 'bad-frame', 4],
    ['0x', six, '0x0010', 'bad-frame', 1],
    ['an exponent', six, '0001e3', 'bad-frame', 4],
    ['a point', six, '0001.0', 'bad-frame', 4],
    ['a line feed', six, '00010\n', 'bad-frame', 5],
    ['NUL', six, '00010\0', 'bad-frame', 5],
    ['binary', six, '\0\0\0\x03', 'bad-frame', 0],
    ['full-width digits, UTF-8', six, text(Buffer.from('１００')), 'bad-frame', 0],
    ['full-width digits, GBK', six, '\xa3\xb1\xa3\xb0\xa3\xb0', 'bad-frame', 0],
    ['Arabic-Indic digits', six, text(Buffer.from('١٢٣')), 'bad-frame', 0],
    ['a TLS ClientHello', six, '\x16\x03\x01\x02\x00\x01', 'bad-frame', 0],
    ['an HTTP request', six, 'POST / HTTP/1.1\r\n', 'bad-frame', 0],
    ['less than itself', tcp(4, { countsItself: true }), '0003', 'bad-frame', 0],
    ['only itself', tcp(4, { countsItself: true }), '0004', 'bad-frame', 0],
    ['blank', tcp(4, { pad: ' ' }), '    ', 'bad-frame', 0],
    ['zeros where spaces pad', tcp(4, { pad: ' ' }), ' 003', 'bad-frame', 1],
    ['a space after a digit', tcp(4, { pad: ' ' }), '  3 ', 'bad-frame', 3],
    ['left: a space first', tcp(4, { pad: ' ', align: 'left' }), ' 3', 'bad-frame', 0],
    ['left: a digit after a space', tcp(4, { pad: ' ', align: 'left' }), '3 4', 'bad-frame', 2],
    ['left: a zero first', tcp(4, { pad: ' ', align: 'left' }), '03', 'bad-frame', 0],
    ['another leader', tcp(4, { leader: Uint8Array.of(0xef, 0x14) }), '\xef\x150001', 'bad-frame', 1],
  ] as const)('%s', (_, line, wire, fault, offset) => {
    expect(refusal(line, wire)).toMatchObject({ fault, at: { offset } })
    // the same byte by byte, and no later than at the byte that shows it
    const { framer, bodies } = collect(line)
    const slow = faultOf(() => {
      for (const byte of wire) framer.push(ascii(byte))
    })
    expect(slow).toMatchObject({ fault, at: { offset } })
    expect(bodies).toEqual([])
  })

  test('one, max and max + 1', () => {
    const line = tcp(2, { maxBytes: 50 })
    expect(collect(line).framer.push(ascii(`01a`))).toBeUndefined()
    const { bodies, framer } = collect(line)
    framer.push(ascii(`50${'m'.repeat(50)}`))
    expect(bodies).toEqual(['m'.repeat(50)])
    expect(refusal(line, '51')).toMatchObject({ fault: 'frame-too-large', at: { offset: 0, width: 2 } })
  })

  test('a length in characters, too short for GBK: the rest is no length', () => {
    // 张三 is four bytes; a sender that counts characters says two
    expect(refusal(tcp(4), '0002\xd5\xc5\xc8\xfd')).toMatchObject({ fault: 'bad-frame', at: { offset: 6 } })
  })

  test('the offset counts from the start of the stream, frames before the fault are kept, and the stream stays broken', () => {
    const { framer, bodies } = collect(tcp(2))
    framer.push(ascii('03abc0'))
    const fault = faultOf(() => framer.push(ascii('2de0x')))
    expect(bodies).toEqual(['abc', 'de'])
    expect(fault.at.offset).toBe(10)
    expect(faultOf(() => framer.push(ascii('01a')))).toBe(fault)
    expect(bodies).toEqual(['abc', 'de'])
  })

  test('the text of a fault shows no byte of the stream', () => {
    // out of step, a length may be part of an account
    expect(refusal(tcp(10), '6222021234').message).not.toContain('6222')
    expect(refusal(six, '6222x2').message).not.toContain('6222')
  })
})

describe('a pile of bytes', () => {
  test('refuses what is too much and keeps what it has', () => {
    const pile = new Pile(5)
    expect([pile.add(ascii('abc')), pile.add(ascii('def')), pile.add(ascii('de'))]).toEqual([true, false, true])
    expect([text(pile.take()), pile.size, pile.room]).toEqual(['abcde', 0, 0])
  })
})
