import { type Bank, explain, Fault, type Message, recognise, type UnifiedCode, type ValuesOf } from '@taxlink/bank-sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { resultCodes as dongtingCodes } from '../../adapters/dongting/codes.ts'
import dongting from '../../adapters/dongting/index.ts'
import open from '../../adapters/open/index.ts'
import { resultCodes as xiangjiangCodes } from '../../adapters/xiangjiang/codes.ts'
import xiangjiang from '../../adapters/xiangjiang/index.ts'
import { type Carries, messageOf } from '../arbitrary.ts'
import { type AnyCodec, messagesOf } from './samples.ts'

type Values = { readonly [name: string]: unknown }
type Table = { readonly [bankCode: string]: UnifiedCode }

const subjects: readonly (readonly [name: string, bank: Bank, carries: Carries])[] = [
  ['xiangjiang', xiangjiang, { charset: 'gbk', most: { items: 10 }, results: xiangjiangCodes.table as Table }],
  ['dongting', dongting, { charset: 'gbk', results: dongtingCodes.table as Table }],
  ['open', open, { charset: 'utf-8' }],
]

/** The widths of a record's own rows; in the other layouts fields have the room the unified interface gives them. */
const widthsOf = (codec: AnyCodec): { [field: string]: number } =>
  codec.layout === 'record'
    ? Object.fromEntries(
        codec.describe().flatMap(row => (row.width && row.form !== 'count' ? [[(row.depth ? 'items.' : '') + row.field, row.width]] : [])),
      )
    : {}

/** What the bank's message says of a value: without the fields it omits and without absent ones. */
const carried = (codec: AnyCodec, value: Values): Values => {
  const there = new Set(
    codec
      .describe()
      .filter(row => row.depth === 0)
      .map(row => row.field),
  )
  const whole = codec.layout === 'json'
  return JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(value).filter(([name]) => whole || there.has(name)))))
}

/** Runs `check`; true if it held or failed as promised, with a Fault. */
const faultOf = (act: () => unknown): Fault | undefined => {
  try {
    act()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  return undefined
}

type Spoil = (bytes: Buffer) => Buffer
/** Bytes changed, cut out, doubled, put in, or the rest cut off; up to three times. */
const spoiled = (bytes: Uint8Array): fc.Arbitrary<Buffer> => {
  const at = fc.nat({ max: bytes.length - 1 })
  const piece = fc.uint8Array({ minLength: 1, maxLength: 6 })
  const one: fc.Arbitrary<Spoil> = fc.oneof(
    fc.tuple(at, piece).map(
      ([i, put]) =>
        (b: Buffer): Buffer =>
          Buffer.concat([b.subarray(0, i), put, b.subarray(i + put.length)]),
    ),
    fc.tuple(at, fc.integer({ min: 1, max: 40 })).map(
      ([i, n]) =>
        (b: Buffer): Buffer =>
          Buffer.concat([b.subarray(0, i), b.subarray(i + n)]),
    ),
    fc.tuple(at, fc.integer({ min: 1, max: 40 })).map(
      ([i, n]) =>
        (b: Buffer): Buffer =>
          Buffer.concat([b.subarray(0, i + n), b.subarray(i)]),
    ),
    fc.tuple(at, piece).map(
      ([i, put]) =>
        (b: Buffer): Buffer =>
          Buffer.concat([b.subarray(0, i), put, b.subarray(i)]),
    ),
    at.map(
      i =>
        (b: Buffer): Buffer =>
          b.subarray(0, i),
    ),
  )
  return fc.array(one, { minLength: 1, maxLength: 3 }).map(all => all.reduce<Buffer>((b, spoil) => spoil(b), Buffer.from(bytes)))
}

describe.each(subjects)('%s', (_, bank, carries) => {
  const messages = [...messagesOf(bank)]

  describe.each(messages)('%s', (_id, { verb, side, codec }) => {
    const message: Message = codec.message
    const values = messageOf(message, { ...carries, widths: widthsOf(codec) }) as fc.Arbitrary<ValuesOf<Message>>
    const written = values.map(value => ({ value, bytes: codec.encode(value as never) }))

    test('brings back what it wrote', () => {
      fc.assert(
        fc.property(written, ({ value, bytes }) => {
          expect(codec.decode(bytes)).toEqual(carried(codec, value))
        }),
      )
    })

    test('is recognised as this message and as no other', () => {
      fc.assert(
        fc.property(written, ({ bytes }) => {
          const matching = messages.filter(([, other]) => other.codec.matches(bytes)).map(([id]) => id)
          expect(matching).toEqual([message.id])
          expect(recognise(bank, bytes)).toMatchObject({ verb, side })
          expect(recognise(bank, bytes, side === 'request' ? 'reply' : 'request')).toBeUndefined()
          for (const [, stranger] of subjects) if (stranger !== bank) expect(recognise(stranger, bytes)).toBeUndefined()
        }),
      )
    })

    test('spoilt bytes are refused with a fault or read as exactly what they say', () => {
      fc.assert(
        fc.property(
          written.chain(({ value, bytes }) => fc.record({ value: fc.constant(value), bytes: spoiled(bytes) })),
          ({ value, bytes }) => {
            codec.matches(bytes)
            codec.explain(bytes)
            explain(bank, bytes)
            const fault = faultOf(() => {
              const read = codec.decode(bytes)
              // omitted fields cannot be written from what was read: the original's stand in for them
              expect(codec.decode(codec.encode({ ...value, ...(read as Values), ...absent(value, read as Values) } as never))).toEqual(read)
            })
            for (const secret of secretsOf(value)) expect(JSON.stringify(fault) ?? '').not.toContain(secret)
          },
        ),
      )
    })
  })
})

/** Fields the original had and the read value has not: they must not come back through the original. */
const absent = (value: Values, read: Values): Values =>
  Object.fromEntries(['bankSerial', 'accountingDate'].filter(name => name in value && !(name in read)).map(name => [name, undefined]))

const secretsOf = (value: Values): string[] =>
  [value.account, value.taxpayerId, value.taxpayerName].filter(secret => typeof secret === 'string').filter(secret => secret.length >= 6)

describe('what 湘江银行 cannot carry is refused, never cut', () => {
  const debit = xiangjiang.debit.request
  const values = messageOf(debit.message, {
    charset: 'gbk',
    most: { items: 10 },
    widths: widthsOf(debit),
  }) as fc.Arbitrary<Parameters<typeof debit.encode>[0]>

  test('an eleventh tax item', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 11, max: 20 }), (value, count) => {
        const items = Array.from({ length: count }, () => ({ ...value.items[0]!, amount: 1 }))
        const fault = faultOf(() => debit.encode({ ...value, items, amount: count }))
        expect(fault).toMatchObject({ fault: 'over-limit', at: { message: 'debit.request', field: 'items', offset: 319 } })
      }),
    )
  })

  test('a name of more than 60 bytes, whatever its number of characters', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 31, max: 60 }), (value, length) => {
        const fault = faultOf(() => debit.encode({ ...value, taxpayerName: '湘'.repeat(length) }))
        expect(fault).toMatchObject({ fault: 'too-long', at: { message: 'debit.request', field: 'taxpayerName', offset: 79, width: 60 } })
      }),
    )
  })

  test.each(['𬎆', '㛃', '한'])('a name with %s, which GBK does not have', character => {
    fc.assert(
      fc.property(values, value => {
        const fault = faultOf(() => debit.encode({ ...value, taxpayerName: `李${character}` }))
        expect(fault).toMatchObject({ fault: 'not-in-charset', at: { message: 'debit.request', field: 'taxpayerName' } })
      }),
    )
  })
})
