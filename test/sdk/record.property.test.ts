import { type CharsetName, charset, Fault, outcome } from '@taxlink/bank-sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Everything, instruction, partWidth, reply, request, richIn } from './record-layouts.ts'

// Laws of a layout, over one record with every form of a cell: what is written is read again the same, what is read is written again the
// same but for filler, and no bytes whatever do anything but one of the two or a Fault with its place.

const names: readonly CharsetName[] = ['gbk', 'gb18030', 'gb2312', 'utf-8']
/** Characters of names: ordinary ones, and those whose second byte is 5C or 7C, a digit, or the highest or lowest there is. */
const characters: { readonly [name in CharsetName]: string } = {
  gb2312: '张三欧阳税国一乙ＡＢ·（）、　aZ09|\\ ',
  gbk: '张三欧阳税国一乙ＡＢ·（）、　億珅誠倈躙亅劑獆瑋喆堃镕aZ09|\\ ',
  gb18030: '张三欧阳一　億珅誠倈龴䶮㛃ḿ𠮷𬎆aZ09|\\ ',
  'utf-8': '张三　億é𠮷😀aZ09|\\ ',
}
const oneOf = (characters: string) => fc.constantFrom(...Array.from(characters))
const textOf = (name: CharsetName, max: number, bytes: number) =>
  fc
    .array(oneOf(characters[name]), { minLength: 1, maxLength: max })
    .map(chars => chars.join(''))
    .filter(text => !/^[ 　]|[ 　]$/.test(text) && charset(name).byteLength(text) <= bytes)
const asciiOf = (max: number) => fc.string({ unit: oneOf('!09AZaz~|\\'), minLength: 1, maxLength: max })
const digitsOf = (min: number, max = min) => fc.string({ unit: oneOf('0123456789'), minLength: min, maxLength: max })
const dateOf = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map(day => day.toISOString().slice(0, 10))
const fenOf = (max: number, min = 0) =>
  fc.oneof(
    fc.integer({ min, max: Math.min(max, 20) }),
    fc.maxSafeInteger().map(n => min + (Math.abs(n) % (max - min + 1))),
  )
const absentOr = <T, N extends string>(name: N, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map(v => (v === undefined ? {} : { [name]: v }) as { [K in N]?: T })

const plain = { noNullPrototype: true }

const resultOf = (name: CharsetName) =>
  fc
    .tuple(
      fc.oneof(
        fc.constantFrom(outcome('90000', '0000'), outcome('24003', '1051'), outcome('24003', '1052'), outcome('99091', '0001')),
        fc.constantFrom(outcome('99090', '7777'), outcome('99090', 'X'), outcome('99090', 'x00ff2041')),
      ),
      absentOr('bankText', textOf(name, 20, 40)),
    )
    .map(([result, text]) => ({ ...result, ...text }))

const everythingIn = (name: CharsetName): fc.Arbitrary<Everything> =>
  fc
    .tuple(
      fc.record(
        {
          code: digitsOf(3),
          numbers: digitsOf(1, 9),
          name: textOf(name, 20, 40),
          account: asciiOf(20),
          amount: fenOf(999_999_999_999_999),
          paid: fenOf(999_999_999_999_999),
          day: dateOf,
          iso: dateOf,
          british: dateOf,
          channel: fc.constantFrom('computer' as const, 'phone' as const),
          short: asciiOf(12),
          result: resultOf(name),
          parts: fc.array(
            fc
              .tuple(fc.record({ label: textOf(name, 13, 13), amount: fenOf(999_999_999, 1) }, plain), absentOr('on', dateOf))
              .map(([part, on]) => ({ ...part, ...on })),
            { minLength: 1, maxLength: 4 },
          ),
        },
        plain,
      ),
      absentOr('note', textOf(name, 12, 20)),
      absentOr('serial', asciiOf(9)),
      absentOr('fee', fenOf(999_999)),
      absentOr('until', dateOf),
      absentOr('level', fc.constantFrom('high' as const, 'low' as const)),
    )
    .map(([value, ...optional]) => Object.assign(value, ...optional) as Everything)

/** The filler of `richIn`, which is ignored. */
const filler = { at: 147, width: 4 }
const without = (bytes: Uint8Array): Buffer => Buffer.from(bytes).fill(' ', filler.at, filler.at + filler.width)

/** Decodes; a Fault is fine if it has its place. */
const attempt = <T>(decode: () => T): T | undefined => {
  try {
    return decode()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    expect(error.at.message).toBeDefined()
    return undefined
  }
}

describe.each(names)('every form of a cell in %s', name => {
  const rich = richIn(name)

  it('reads what it wrote', () => {
    fc.assert(
      fc.property(everythingIn(name), value => {
        const bytes = rich.encode(value)
        expect(bytes.length).toBe(240 + value.parts.length * partWidth)
        expect(rich.decode(bytes)).toStrictEqual(value)
        expect(rich.matches(bytes)).toBe(true)
        expect(rich.explain(bytes).every(row => row.fault === undefined)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('writes what it read, whatever byte was changed', () => {
    fc.assert(
      fc.property(everythingIn(name), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 3 }), (value, where, over) => {
        const bytes = Buffer.from(rich.encode(value))
        bytes.set(over.subarray(0, bytes.length), where % (bytes.length - over.length))
        const read = attempt(() => rich.decode(bytes))
        if (read) expect(Buffer.from(rich.encode(read))).toStrictEqual(without(bytes))
        rich.explain(bytes)
      }),
      { numRuns: 700 },
    )
  })

  it('refuses a record cut anywhere, and any bytes that are none', () => {
    fc.assert(
      fc.property(everythingIn(name), value => {
        const bytes = rich.encode(value)
        for (let end = 0; end < bytes.length; end++) {
          expect(attempt(() => rich.decode(bytes.subarray(0, end)))).toBeUndefined()
          if (end % 10 === 0) rich.explain(bytes.subarray(0, end))
        }
      }),
      { numRuns: 5 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 238, maxLength: 273 }), bytes => {
        expect(attempt(() => rich.decode(bytes))).toBeUndefined()
        rich.explain(bytes)
        rich.matches(bytes)
      }),
      { numRuns: 200 },
    )
  })
})

describe('any value at all', () => {
  it('is written and read again, or refused', () => {
    const anything = fc.oneof(fc.anything(), fc.string({ unit: 'binary' }), fc.double(), fc.bigInt(), fc.date())
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(instruction)), anything, (field, value) => {
        const changed = { ...instruction, [field]: value }
        const bytes = attempt(() => request.encode(changed))
        if (bytes) expect(request.decode(bytes)).toEqual(changed)
      }),
      { numRuns: 1500 },
    )
  })
})

describe('a name cut at any byte', () => {
  it('never takes the byte behind its field', () => {
    // Each byte of the place of a text in turn is made the first half of a character that would reach further.
    const wire = Buffer.from(reply.encode(reply.decode(reply.encode(sample))))
    for (let at = 54; at < 114; at++) {
      const bytes = Buffer.from(wire)
      bytes.fill(0x20, 54, 114)
      bytes[at] = 0xb0
      expect(attempt(() => reply.decode(bytes))).toBeUndefined()
    }
  })
})
const sample = {
  officeCode: '1',
  entrustDate: '2026-09-10',
  serialNo: '00000001',
  ticketNo: '343260910000000001',
  result: outcome('90000', '0000'),
  amount: 1,
}
