import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Charset, type CharsetName, charset, unwritable } from '../../sdk/charset.ts'
import { Fault } from '../../sdk/fault.ts'

const names: readonly CharsetName[] = ['utf-8', 'gb2312', 'gbk', 'gb18030']
const [utf8, gb2312, gbk, gb18030] = [charset('utf-8'), charset('gb2312'), charset('gbk'), charset('gb18030')]
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase()

const faultOf = (act: () => unknown): Pick<Fault, 'fault' | 'detail' | 'at'> => {
  try {
    const result = act()
    throw new Error(`no fault but ${JSON.stringify(result)}`)
  } catch (error) {
    if (error instanceof Fault) return { fault: error.fault, detail: error.detail, at: error.at }
    throw error
  }
}
const refusedText = (cs: Charset, text: string, detail: string, offset: number) =>
  expect(faultOf(() => cs.encode(text))).toEqual({ fault: 'not-in-charset', detail, at: { offset } })
const refusedBytes = (cs: Charset, hex: string, detail: string, offset: number) =>
  expect(faultOf(() => cs.decode(bytesOf(hex)))).toEqual({ fault: 'invalid-bytes', detail, at: { offset } })

describe('what the standards say of single codes', () => {
  test.each<[CharsetName, string, string]>([
    ['gb2312', '啊齄　·—', 'B0A1 F7FE A1A1 A1A4 A1AA'],
    ['gbk', '喆堃珺昇祎镕龑䶮', '86B4 88D2 AC42 954E B574 E946 FD8C FE9F'],
    ['gbk', '億誠|\\', '837C D55C 7C 5C'], // trails that look like separators
    ['gbk', 'ḿǹ〾⿰', 'A8BC A8BF A989 A98A'],
    ['gb18030', '€𬎆㛃𠮷', 'A2E3 9931DE30 8230B731 9534B235'],
    ['gb18030', '龴龻︐︙', 'FE59 FEA0 A6D9 A6F3'],
    ['gb18030', '\u{20087}\u{241fe}', '95329031 9635B630'],
    ['gb18030', '\u0080\u{10000}', '81308130 90308130'],
    ['utf-8', '税é𠮷', 'E7A88E C3A9 F0A0AEB7'],
  ])('%s %s', (name, text, hex) => {
    expect(hexOf(charset(name).encode(text))).toBe(hex.replaceAll(' ', ''))
    expect(charset(name).decode(bytesOf(hex))).toBe(text)
  })

  test('GB2312 is not GBK: names beyond it are refused, at their place', () => {
    refusedText(gb2312, '王喆', 'U+5586', 1)
    refusedText(gb2312, '1—2―3', 'U+2015', 3)
    refusedBytes(gb2312, 'CDF5 86B4', 'bytes 86 B4', 2)
    refusedBytes(gb2312, 'A2A1', 'bytes A2 A1', 0) // ⅰ, added by GBK within the rows of GB2312
  })

  test('a character beyond GBK is refused there and written in GB18030', () => {
    refusedText(gbk, '吉𠮷', 'U+20BB7', 1)
    refusedText(gbk, '㛃', 'U+36C3', 0)
    refusedText(gbk, '1€', 'U+20AC', 1)
    refusedBytes(gbk, '8230B731', 'bytes 82 30', 0)
    refusedBytes(gbk, '31 A2E3', 'bytes A2 E3', 1)
  })

  test('a byte 80 or FF is no code anywhere', () => {
    for (const cs of [gb2312, gbk, gb18030, utf8])
      for (const byte of ['80', 'FF']) {
        refusedBytes(cs, `31${byte}`, `byte ${byte}`, 1)
        refusedBytes(cs, `31${byte}4142`, `byte ${byte}`, 1)
      }
  })

  test('private use, in the user-defined areas and elsewhere, is refused both ways', () => {
    refusedText(gb18030, '名\ue5e5', 'U+E5E5 private use', 1)
    refusedText(utf8, '名\ue863', 'U+E863 private use', 1)
    refusedText(utf8, '\u{10abcd}', 'U+10ABCD private use', 0)
    refusedBytes(gb18030, 'AAA1', 'bytes AA A1', 0)
    refusedBytes(gb18030, 'FE51', 'bytes FE 51', 0)
    refusedBytes(gb18030, '8135F437', 'bytes 81 35 F4 37', 0)
    refusedBytes(gb18030, 'E3329A35', 'bytes E3 32 9A 35', 0)
    refusedBytes(utf8, 'EE8080', 'bytes EE 80 80', 0)
  })

  test('second spellings are refused: A3A0, and the four-byte codes of 2005', () => {
    refusedBytes(gbk, 'A1A1 A3A0', 'bytes A3 A0', 2)
    refusedBytes(gb18030, '82359037', 'bytes 82 35 90 37', 0)
    refusedBytes(gb18030, '84318236', 'bytes 84 31 82 36', 0)
  })

  test('U+FFFD, U+FEFF and noncharacters are refused, wherever they stand', () => {
    refusedText(utf8, '\ufeff税', 'U+FEFF byte order mark', 0)
    refusedText(gb18030, '税\ufeff', 'U+FEFF byte order mark', 1)
    refusedText(utf8, '税\ufffd', 'U+FFFD replacement character', 1)
    refusedText(gb18030, '\ufdd0', 'U+FDD0 noncharacter', 0)
    refusedText(gb18030, 'a\u{1ffff}', 'U+1FFFF noncharacter', 1)
    refusedBytes(utf8, 'EFBBBF 41', 'bytes EF BB BF', 0)
    refusedBytes(gb18030, '84319533 41', 'bytes 84 31 95 33', 0)
    refusedBytes(gb18030, '41 8431A437', 'bytes 84 31 A4 37', 1)
    refusedBytes(utf8, 'EFBFBD', 'bytes EF BF BD', 0)
  })

  test('lone surrogates are refused, in every charset and place', () => {
    for (const cs of names.map(charset)) {
      refusedText(cs, '\ud842', 'U+D842 lone surrogate', 0)
      refusedText(cs, 'ab\udfb7cd', 'U+DFB7 lone surrogate', 2)
      refusedText(cs, 'a\ud842\ud842', 'U+D842 lone surrogate', 1)
    }
    refusedText(gb18030, '𠮷\udfb7', 'U+DFB7 lone surrogate', 2)
    refusedBytes(utf8, 'EDA080', 'bytes ED A0 80', 0)
  })

  test('controls are carried, C0 as they are and C1 as four bytes', () => {
    expect(hexOf(gbk.encode('\0\t\x7f'))).toBe('00097F')
    expect(gb18030.decode(gb18030.encode('\x85'))).toBe('\x85')
    refusedText(gbk, '\x85', 'U+0085', 0)
  })

  test('no error shows the text', () => {
    const name = '欧阳喆㛃'
    const { fault, detail } = faultOf(() => gbk.encode(name))
    expect(`${fault} ${detail}`).not.toMatch(/[欧阳喆㛃]/)
  })
})

describe('cut characters', () => {
  const text = '芙蓉区億𠮷㛃a|é'

  test.each(names)('%s: any part of a text is read right or refused at the byte where it is cut', name => {
    const cs = charset(name)
    const whole = Array.from(text).filter(c => unwritable(c, name).length === 0)
    const bytes = cs.encode(whole.join(''))
    const starts = new Map<number, string>() // byte index of each character → what stands before it
    let before = ''
    for (const c of [...whole, '']) {
      starts.set(cs.byteLength(before), before)
      before += c
    }
    for (let end = 0; end <= bytes.length; end++) {
      const expected = starts.get(end)
      if (expected !== undefined) expect(cs.decode(bytes, 0, end)).toBe(expected)
      else {
        const cut = Math.max(...[...starts.keys()].filter(start => start < end))
        const { fault, detail, at } = faultOf(() => cs.decode(bytes, 0, end))
        expect([fault, at]).toEqual(['invalid-bytes', { offset: cut }])
        expect(detail).toMatch(/^bytes? [0-9A-F ]+, cut at the end$/)
      }
    }
  })

  test('a lone lead byte does not take the padding or the separator behind it', () => {
    refusedBytes(gbk, '31 B0 20', 'bytes B0 20', 1)
    refusedBytes(gbk, '31 B0 0A', 'bytes B0 0A', 1)
    // But 7C may be a trail: from its bytes alone a cut before it cannot be told from 膢. That is why `write` never cuts.
    expect(gbk.decode(bytesOf('C7F8 C47C'))).toBe('区膢')
  })

  test.each(['00', '20', '30', '39', '3F', '7F', 'FF'])('trail byte %s is refused', trail => {
    refusedBytes(gbk, `B0${trail}`, `bytes B0 ${trail}`, 0)
    expect(faultOf(() => gb18030.decode(bytesOf(`B0${trail}`))).at).toEqual({ offset: 0 })
  })

  test('four-byte codes out of range or with a wrong byte are refused whole', () => {
    refusedBytes(gb18030, '8431A530', 'bytes 84 31 A5 30', 0)
    refusedBytes(gb18030, 'E3329A36', 'bytes E3 32 9A 36', 0)
    refusedBytes(gb18030, 'FE39FE39', 'bytes FE 39 FE 39', 0)
    refusedBytes(gb18030, '8130 8141', 'bytes 81 30 81 41', 0)
    refusedBytes(gb18030, '61 8130 81', 'bytes 81 30 81, cut at the end', 1)
  })

  test('UTF-8 sent as GBK is refused where its bytes are no pairs', () => {
    refusedBytes(gbk, hexOf(Buffer.from('湖南省')), 'byte 81, cut at the end', 8)
    refusedBytes(gbk, hexOf(Buffer.from('湖南省 ')), 'bytes 81 20', 8)
    expect(gbk.decode(Buffer.from('张三'))).toBe('寮犱笁') // an even number of bytes may be pairs: this no table can tell
  })

  test('GBK sent as UTF-8 is refused', () => {
    refusedBytes(utf8, hexOf(gbk.encode('长沙')), 'byte B3', 0)
  })
})

describe('write', () => {
  const text = '税a𠮷é|億'
  const around = 0xee

  test.each(names)('%s: with every room it writes all or tells what it needs, and never touches what lies outside', name => {
    const cs = charset(name)
    const whole = Array.from(text)
      .filter(c => unwritable(c, name).length === 0)
      .join('')
    const bytes = cs.encode(whole)
    expect(cs.byteLength(whole)).toBe(bytes.length)
    for (let room = 0; room <= bytes.length + 3; room++) {
      const target = new Uint8Array(bytes.length + 10).fill(around)
      if (room >= bytes.length) {
        expect(cs.write(whole, target, 3, room)).toBe(bytes.length)
        expect(hexOf(target.subarray(3, 3 + bytes.length))).toBe(hexOf(bytes))
        expect(target.subarray(3 + bytes.length).every(byte => byte === around)).toBe(true)
      } else {
        const detail = `needs ${bytes.length} bytes, has room for ${room}`
        expect(faultOf(() => cs.write(whole, target, 3, room))).toEqual({ fault: 'too-long', detail, at: { width: room } })
        expect(target.subarray(3 + room).every(byte => byte === around)).toBe(true)
      }
      expect(target.subarray(0, 3).every(byte => byte === around)).toBe(true)
    }
  })

  test('a character without a code is told before a lack of room, and nothing is written behind the room', () => {
    const target = new Uint8Array(40).fill(around)
    expect(faultOf(() => gbk.write('芙蓉区芙蓉区𠮷', target, 0, 4))).toEqual({
      fault: 'not-in-charset',
      detail: 'U+20BB7',
      at: { offset: 6 },
    })
    expect(target.subarray(4).every(byte => byte === around)).toBe(true)
  })

  test('room outside the target is a mistake of the caller, not a silent cut', () => {
    const target = new Uint8Array(4)
    for (const [at, room] of [
      [2, 3],
      [-1, 2],
      [0, -1],
      [0.5, 2],
      [0, Number.NaN],
      [5, 0],
    ] as const)
      expect(() => gbk.write('税', target, at, room)).toThrow(RangeError)
    for (const [start, end] of [
      [0, 5],
      [-1, 2],
      [3, 2],
      [0.5, 2],
    ] as const)
      expect(() => gbk.decode(target, start, end)).toThrow(RangeError)
    expect(gbk.write('', target, 4, 0)).toBe(0)
    expect(gbk.decode(target, 4)).toBe('')
  })
})

describe('large texts', () => {
  // Around the size of the page on which texts pass, with pairs and four-byte codes on every side of its edge.
  test.each(names)('%s: an edge within a character harms nothing', name => {
    const cs = charset(name)
    const piece = Array.from('𠮷税a㛃')
      .filter(c => unwritable(c, name).length === 0)
      .join('')
    for (let shift = 0; shift < 8; shift++) {
      const text = '-'.repeat(8186 + shift) + piece.repeat(4000)
      const bytes = cs.encode(text)
      expect(bytes.length).toBe(cs.byteLength(text))
      expect(cs.decode(bytes) === text).toBe(true)
      const target = new Uint8Array(bytes.length)
      expect(cs.write(text, target, 0, target.length)).toBe(bytes.length)
      expect(Buffer.compare(target, bytes)).toBe(0)
      expect(faultOf(() => cs.write(text, target, 0, target.length - 1)).fault).toBe('too-long')
    }
  })

  test('places are told from the start of the whole', () => {
    const text = `${'税'.repeat(20_000)}\ue000`
    refusedText(gb18030, text, 'U+E000 private use', 20_000)
    expect(faultOf(() => gbk.byteLength(text)).at).toEqual({ offset: 20_000 })
    const bytes = Buffer.concat([Buffer.alloc(7), gbk.encode('税'.repeat(20_000)), bytesOf('B020')])
    expect(faultOf(() => gbk.decode(bytes, 7))).toEqual({ fault: 'invalid-bytes', detail: 'bytes B0 20', at: { offset: 40_007 } })
    expect(faultOf(() => gbk.decode(bytes, 7, 40_008)).at).toEqual({ offset: 40_007 })
  })

  test.each(names)('%s: a result is not touched by what follows', name => {
    const cs = charset(name)
    const texts = Array.from({ length: 3000 }, (_, i) => `第${i}号,${'税'.repeat(i % 64)}`)
    const results = texts.map(text => cs.encode(text))
    expect(results.map(bytes => cs.decode(bytes))).toEqual(texts)
  })
})

describe('any text and any bytes', () => {
  const unit = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0x4e00, max: 0x9fff }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 0x7f }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
    { weight: 1, arbitrary: fc.constantFrom(0xd842, 0xdfb7, 0xd83d, 0xde00) },
  )
  const anyText = fc.array(unit, { maxLength: 90 }).map(units => String.fromCharCode(...units))
  const anyBytes = fc.array(
    fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0x81, max: 0xfe }), fc.integer({ min: 0x30, max: 0x39 })),
    { maxLength: 40 },
  )

  test.each(names)('%s: a text is written and comes back, or its first unwritable character is named', name => {
    const cs = charset(name)
    fc.assert(
      fc.property(anyText, text => {
        const [first] = unwritable(text, name)
        if (first) {
          const { fault, at } = faultOf(() => cs.encode(text))
          expect([fault, at]).toEqual(['not-in-charset', { offset: first.index }])
          expect(faultOf(() => cs.byteLength(text)).at).toEqual({ offset: first.index })
        }
        const rest = Array.from(text)
          .filter(c => unwritable(c, name).length === 0)
          .join('')
        expect(cs.decode(cs.encode(rest))).toBe(rest)
        expect(cs.byteLength(rest)).toBe(cs.encode(rest).length)
      }),
      { numRuns: 500 },
    )
  })

  test.each(names)('%s: bytes are read and go back, or the first that is no code is named', name => {
    const cs = charset(name)
    fc.assert(
      fc.property(anyBytes, numbers => {
        const bytes = Uint8Array.from(numbers)
        let end = bytes.length
        try {
          cs.decode(bytes)
        } catch (error) {
          if (!(error instanceof Fault)) throw error
          expect(error.fault).toBe('invalid-bytes')
          end = error.at.offset ?? -1
          expect(() => cs.decode(bytes, end)).toThrow(Fault) // what begins there is indeed no code
        }
        const text = cs.decode(bytes, 0, end)
        expect(text).not.toMatch(/[\ufffd\ud800-\udfff]/u)
        expect(hexOf(cs.encode(text))).toBe(hexOf(bytes.subarray(0, end)))
      }),
      { numRuns: 2000 },
    )
  })
})

test('unwritable lists each code point once, with its first place', () => {
  expect(unwritable('𠮷a𠮷€\ud842', 'gbk')).toEqual([
    { index: 0, codePoint: 0x20bb7 },
    { index: 5, codePoint: 0x20ac },
    { index: 6, codePoint: 0xd842 },
  ])
  expect(unwritable('湖南省永州市', 'gb2312')).toEqual([])
})
