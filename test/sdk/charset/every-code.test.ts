import { describe, expect, test, vi } from 'vitest'
import { type CharsetName, charset } from '../../../sdk/charset.ts'
import { Fault } from '../../../sdk/fault.ts'
import { type Difference, listed, oursFor, type Peer, type Reason, reasons } from './explained.ts'
import * as peers from './peers.ts'

// Millions of codes against two other tables: seconds alone, more beside other work.
vi.setConfig({ testTimeout: 180_000 })

const names: readonly CharsetName[] = ['utf-8', 'gb2312', 'gbk', 'gb18030']
const used = new Set<Reason>()
const hex = (value: number | undefined) => (value === undefined ? 'none' : value.toString(16).toUpperCase())

/** The differences of two tables that no reason explains, as text. */
const unexplained = (
  way: 'reads' | 'writes',
  peer: Peer,
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  code: (n: number) => number,
) => {
  const none = way === 'reads' ? -1 : 0
  const found: string[] = []
  for (let n = 0; n < ours.length; n++) {
    if (ours[n] === theirs[n]) continue
    const [a, b] = [ours[n] === none ? undefined : ours[n], theirs[n] === none ? undefined : theirs[n]]
    const difference: Difference = { code: code(n), ours: a, theirs: b }
    const reason = reasons.find(r => r.peers.includes(peer) && r[way]?.(difference))
    if (reason) used.add(reason)
    else found.push(`${peer} ${way} ${hex(difference.code)} as ${hex(b)}, we ${hex(a)}`)
  }
  return found
}

const readings = new Map<CharsetName, Map<peers.Codes, peers.Reading>>()
const ours = (name: CharsetName, codes: peers.Codes): peers.Reading => {
  const known = readings.get(name) ?? new Map<peers.Codes, peers.Reading>()
  readings.set(name, known)
  const reading = known.get(codes) ?? peers.readOurs(name, codes)
  known.set(codes, reading)
  return reading
}
const compare = (peer: Peer, codes: peers.Codes, theirs: peers.Reading) =>
  unexplained('reads', peer, ours(oursFor[peer], codes), theirs, n => peers.codeAt(codes, n))

describe('every code against the table of this Node', () => {
  test('one byte', () => {
    expect(compare('node gbk', peers.oneByte, peers.readIcu('gbk', peers.oneByte))).toEqual([])
    expect(compare('node gb18030', peers.oneByte, peers.readIcu('gb18030', peers.oneByte))).toEqual([])
  })

  test('two bytes, well-formed or not', () => {
    expect(compare('node gbk', peers.twoBytes, peers.readIcu('gbk', peers.twoBytes))).toEqual([])
    expect(compare('node gb18030', peers.twoBytes, peers.readIcu('gb18030', peers.twoBytes))).toEqual([])
  })

  test('four bytes', () => {
    expect(peers.fourBytes.bytes.length).toBe(4 * 1_587_600)
    expect(compare('node gb18030', peers.fourBytes, peers.readIcuAtOnce('gb18030', peers.fourBytes))).toEqual([])
  })

  test('UTF-8: overlong, surrogates, beyond U+10FFFF, cut', () => {
    for (const codes of [peers.oneByte, ...peers.utf8Codes]) expect(compare('node utf-8', codes, peers.readIcu('utf-8', codes))).toEqual([])
  })

  test('no reason is given for nothing', () => {
    const due = reasons.filter(r => r.peers.some(peer => peer.startsWith('node')))
    expect(due.filter(r => !used.has(r)).map(r => r.reason)).toEqual([])
  })
})

describe('every code and every character against glibc', () => {
  const pairs = Object.keys(oursFor).filter((peer): peer is Peer => peer.startsWith('glibc'))
  for (const peer of pairs) {
    const name = peer.slice('glibc '.length)
    const missing = !peers.hasGlibc(name)

    const codesOfPeer = name === 'UTF-8' ? [] : name === 'GB18030' ? [peers.wellFormed, peers.fourBytes] : [peers.wellFormed]
    for (const codes of codesOfPeer) {
      test.skipIf(missing)(`${name}: codes of ${codes.width} bytes`, () => {
        expect(compare(peer, codes, peers.readGlibc(name, codes))).toEqual([])
      })
    }

    test.skipIf(missing)(`${name}: characters`, () => {
      const differences = unexplained('writes', peer, peers.writeOurs(oursFor[peer]), peers.writeGlibc(name), n => peers.scalars[n]!)
      expect(differences).toEqual([])
    })
  }
})

describe('the accepted set', () => {
  const count = (reading: peers.Reading) => reading.reduce((sum, c) => sum + (c >= 0 ? 1 : 0), 0)

  test('has as many codes as the standards say', () => {
    const gb2312 = ours('gb2312', peers.wellFormed)
    const hanzi = gb2312.filter((c, n) => c >= 0 && peers.codeAt(peers.wellFormed, n) >= 0xb0a1)
    expect(count(gb2312)).toBe(682 + 6763)
    expect(hanzi.length).toBe(6763)
    expect(count(ours('gbk', peers.wellFormed))).toBe(717 + 6763 + 6080 + 8160 + 166 - 6) // GBK/1 to GBK/5; six are private use
    expect(count(ours('gb18030', peers.wellFormed))).toBe(21_880 + 11) // € and ten vertical forms
    const supplementary = 14 * (0x10000 - 2) // planes 1–14 without their noncharacters
    const bmp = 0x10000 - 0x80 - 2048 - 6400 - 32 - 2 - 2 - 21_891 // less surrogates, private use, noncharacters, U+FEFF and U+FFFD
    expect(count(ours('gb18030', peers.fourBytes))).toBe(bmp + supplementary)
  })

  test('is nested, and one for GB18030 and UTF-8', () => {
    const [utf8, gb18030, gbk, gb2312] = [peers.refused('utf-8'), peers.refused('gb18030'), peers.refused('gbk'), peers.refused('gb2312')]
    expect([...gb18030].filter(c => !utf8.has(c))).toEqual([])
    expect([...utf8].filter(c => !gb18030.has(c))).toEqual([])
    expect([...gb18030].every(c => gbk.has(c)) && [...gbk].every(c => gb2312.has(c))).toBe(true)
    const same = (smaller: CharsetName, larger: CharsetName) =>
      ours(smaller, peers.wellFormed).every((c, n) => c < 0 || c === ours(larger, peers.wellFormed)[n])
    expect(same('gb2312', 'gbk') && same('gbk', 'gb18030')).toBe(true)
  })

  for (const name of names) {
    test(`${name}: every character it writes comes back, every code it reads goes back, in one large text`, () => {
      const cs = charset(name)
      const refused = peers.refused(name)
      const text = peers.scalars.map(c => (refused.has(c) ? '' : String.fromCodePoint(c))).join('')
      const bytes = cs.encode(text)
      expect(bytes.length).toBe(cs.byteLength(text))
      expect(cs.decode(bytes) === text).toBe(true)
      for (const codes of [peers.wellFormed, peers.fourBytes]) {
        if (name === 'utf-8' || (codes === peers.fourBytes && name !== 'gb18030')) continue
        const kept = peers.readable(codes, ours(name, codes))
        expect(Buffer.compare(cs.encode(cs.decode(kept)), kept)).toBe(0)
      }
    })

    test(`${name}: every character it cannot write is refused with its place`, () => {
      const cs = charset(name)
      const place = (codePoint: number): string => {
        try {
          cs.encode(`税${String.fromCodePoint(codePoint)}款`)
          return 'written'
        } catch (error) {
          return error instanceof Fault ? `${error.fault} ${error.detail.split(' ')[0]} at ${error.at.offset}` : String(error)
        }
      }
      // In the supplementary planes one of each 61, which falls on every high surrogate: their refusals come by the million.
      const some = [...peers.refused(name)].filter(codePoint => codePoint < 0x10000 || codePoint % 61 === 0)
      const wrong = peers.stackless(() => some.filter(c => place(c) !== `not-in-charset U+${hex(c).padStart(4, '0')} at 1`))
      expect(wrong.map(c => `${hex(c)}: ${place(c)}`)).toEqual([])
      expect(some.length).toBeGreaterThan(2000)
    })
  }

  test('what is refused by every charset is a list, not an accident', () => {
    const expected = listed('E000-F8FF FDD0-FDEF FEFF FFFD FFFE FFFF')
    const refused = [...peers.refused('gb18030')]
    expect(new Set(refused.filter(c => c < 0x10000))).toEqual(expected)
    expect(refused.filter(c => c >= 0x10000 && c < 0xf0000).every(c => (c & 0xfffe) === 0xfffe)).toBe(true)
    expect(refused.filter(c => c >= 0xf0000).length).toBe(0x20000)
  })
})
