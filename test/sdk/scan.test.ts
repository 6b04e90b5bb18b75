import {
  asIs,
  type Cell,
  type CharsetName,
  charset,
  constant,
  delimited,
  Fault,
  type Kind,
  left,
  message,
  number,
  record,
  right,
  words,
  ymd,
  yuan,
} from '@taxlink/bank-sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Codec } from '../../sdk/cell.ts'
import { json } from '../../sdk/json.ts'
import { ascii, count, date, digits, fen, oneOf, text } from '../../sdk/kinds.ts'

// The scanner of a line is its codec without objects: over every text of a few characters that could be taken for one another, both say yes or no
// together, and yes to the same.

type Case = { readonly kind: Kind<unknown>; readonly cell: Cell<unknown>; readonly alphabet: string; readonly like: readonly string[] }
const kase = <T>(kind: Kind<T>, cell: Cell<T>, alphabet: string, ...like: string[]): Case => ({
  kind: kind as Kind<unknown>,
  cell: cell as Cell<unknown>,
  alphabet,
  like,
})
const cases: { readonly [name: string]: Case } = {
  yuan: kase(
    fen('额', 'amount', 1),
    yuan,
    '019.-+, ',
    '1234.56',
    '0.01',
    '01.00',
    '9999999999999.99',
    '10000000000000.00',
    '0.1',
    '.01',
    '1.001',
  ),
  number: kase(count('数', 'count', 0, 99_999), number, '019.- +', '0', '00', '01', '99999', '100000', '1e3', '000000000000001'),
  day: kase(
    date('日', 'day'),
    ymd,
    '0123 -',
    '20260910',
    '20260931',
    '20240229',
    '20230229',
    '2026091',
    '202609100',
    '00000101',
    '20260000',
  ),
  word: kase(oneOf('词', 'word', ['yes', 'no', 'later']), words({ Y: 'yes', N: 'no', L: 'later' }), 'YNLyn ', 'Y', 'YN', 'X'),
  words: kase(oneOf('词', 'word', ['yes', 'no']), words({ YES: 'yes', NOO: 'no' }), 'YESNO', 'YES', 'NOO', 'YEN'),
  digits: kase(digits('号', 'number', 2, 4), asIs, '059:/a ', '05', '0505', '05050'),
  ascii: kase(ascii('号', 'code', 5), asIs, 'a!~ \u007f\t0', 'a!~', '123456'),
  text: kase(text('名', 'name', 4), asIs, '张億\u3000 a\u007f\u0001·é', '张億', '億 張', 'aaaaa', '\u3000张'),
}
const near = ({ alphabet, like }: Case) =>
  fc.oneof(fc.constantFrom(...like), fc.string({ unit: fc.constantFrom(...Array.from(alphabet)), maxLength: 9 }))

/** What decoding and scanning say of one line with one field: the value, or why not. */
const bothOf = (codec: Codec<never, unknown>, line: Buffer): readonly [unknown, unknown] => {
  const decoded = said(() => (codec.decode(line) as { readonly field?: unknown }).field)
  const scanner = codec.scanner!(1)
  const scanned = said(() => {
    scanner.begin?.()
    scanner.scan(line, new DataView(line.buffer, line.byteOffset, line.length), 0, line.length, 0)
    const { values, starts, ends } = scanner.columns.field!
    if (values[0] === -1) return undefined
    const { enum: all, format, type } = codec.message.fields.field!.schema as { enum?: string[]; format?: string; type: string }
    if (all) return all[values[0]!]
    if (type === 'integer') return values[0]
    if (format === 'date')
      return String(values[0])
        .padStart(8, '0')
        .replace(/(....)(..)(..)/, '$1-$2-$3')
    return charset(codec.charset).decode(scanner.texts?.() ?? line, starts[0], ends[0])
  })
  return [decoded, scanned]
}
const said = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    if (error instanceof Fault) return Fault
    throw error
  }
}
const check = (codec: Codec<never, unknown>, lines: fc.Arbitrary<Buffer>): void => {
  let yes = 0
  fc.assert(
    fc.property(lines, line => {
      const [decoded, scanned] = bothOf(codec, Buffer.from(line))
      if (decoded !== Fault) yes++
      expect(scanned).toEqual(decoded)
    }),
    { numRuns: 500 },
  )
  // Neither always says no.
  expect(yes).toBeGreaterThan(5)
}

describe.each(Object.entries(cases))('%s', (_, one) => {
  const bars = { separator: '|', trailing: true }
  const of = (kind: Kind<unknown>) => message('scan', '行', 'line', { field: kind })
  test.each<[CharsetName, boolean]>([
    ['gbk', false],
    ['gb18030', true],
    ['utf-8', false],
  ])('in a separated line of %s, optional: %s', (name, optional) => {
    const kind: Kind<unknown> = optional ? { ...one.kind, optional: true } : one.kind
    const codec = delimited(of(kind), name, bars, [constant('D'), ['field', one.cell]] as never) as Codec<never, unknown>
    check(
      codec,
      near(one).map(value => encoded(name, `D|${value}|`)),
    )
  })
  test('in a line of JSON', () => {
    const codec = json(of({ ...one.kind, optional: true })) as Codec<never, unknown>
    const value = near(one).map(raw => (one.cell.form === 'number' || one.cell.form === 'yuan' ? raw : JSON.stringify(raw)))
    const ours = fc.oneof(
      value,
      fc.constantFrom('"yes"', '"no"', '"2026-09-10"', '"2026-09-31"', '"2026-1:-00"', '123', '0123', '1.0', '"\\u0061"', 'null', '{}'),
    )
    check(
      codec,
      ours.map(raw => Buffer.from(`{"version":"1","type":"scan","field":${raw}}`)),
    )
  })
})

describe.each([
  ['number', right(6) as Cell<unknown>, cases.number!],
  ['day', ymd as Cell<unknown>, cases.day!],
  ['word', cases.word!.cell, cases.word!],
  ['digits', left(4) as Cell<unknown>, cases.digits!],
  ['ascii', left(6) as Cell<unknown>, cases.ascii!],
  ['text', left(9) as Cell<unknown>, cases.text!],
])('%s of a fixed width', (_, cell, one) => {
  test.each([false, true])('optional: %s', optional => {
    const kind: Kind<unknown> = optional ? { ...one.kind, optional: true } : one.kind
    const width = (cell as { readonly width: number }).width
    const codec = record(message('scan', '行', 'line', { field: kind }), 'gbk', width + 1, [
      constant('D'),
      ['field', cell],
    ] as never) as Codec<never, unknown>
    const padded = near(one).map(value => {
      const bytes = encoded('gbk', value)
      return Buffer.concat([Buffer.from('D'), bytes, Buffer.alloc(Math.max(0, width - bytes.length), ' ')]).subarray(0, width + 1)
    })
    const zeros = near(one).map(value => Buffer.from(`D${value.padStart(width, '0')}`, 'latin1').subarray(0, width + 1))
    check(codec, fc.oneof(padded, zeros))
  })
})

/** The text as far as it has codes. */
const encoded = (name: CharsetName, value: string): Buffer =>
  Buffer.concat(
    Array.from(value, character => {
      try {
        return charset(name).encode(character)
      } catch {
        return Buffer.from([0xff])
      }
    }),
  )
