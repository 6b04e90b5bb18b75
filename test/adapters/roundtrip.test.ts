import { readFileSync } from 'node:fs'
import {
  explain,
  Fault,
  type Message,
  type Outcome,
  outcome,
  outcomes,
  recognise,
  type UnifiedCode,
  type ValuesOf,
} from '@taxlink/bank-sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import dongting from '../../adapters/dongting/index.ts'
import xiangjiang from '../../adapters/xiangjiang/index.ts'
import { type AnyCodec, messagesOf, mostOf, type Subject, subjects, type Values } from '../../docs/banks/subjects.ts'
import { type Carries, messageOf } from '../arbitrary.ts'
import { parseSample, samplesIn } from './samples.ts'

/** Bytes of each place of a record; in the other layouts a field has the room the unified interface gives it. */
const widthsOf = (codec: AnyCodec): { [field: string]: number } => {
  if (codec.layout !== 'record') return {}
  const rows = codec.describe()
  const group = rows.find(row => row.form === 'count')?.field ?? ''
  const places = rows.filter(row => row.form !== 'count')
  return Object.fromEntries(places.map(row => [(row.depth ? `${group}.` : '') + row.field, row.width!]))
}

/** The result codes of a bank that keeps its table in its declaration: each unified code that can be written, under the bank's code for it. */
const listedIn = (codec: AnyCodec, sample: Values): { readonly [bankCode: string]: UnifiedCode } =>
  Object.fromEntries(
    (Object.keys(outcomes) as UnifiedCode[]).flatMap(code => {
      let bytes: Uint8Array | undefined
      const fault = faultOf(() => {
        bytes = codec.encode({ ...sample, result: outcome(code) } as never)
      })
      if (fault && fault.fault !== 'unlisted-code') throw fault
      return bytes ? [[(codec.decode(bytes) as { result: Outcome }).result.bankCode, code]] : []
    }),
  )

/** What a bank can carry in a message, taken from its declaration and a sample. */
const carriesOf = ({ codes, samples }: Subject, codec: AnyCodec): Carries => {
  const name = samplesIn(samples).find(file => file.startsWith(`${codec.message.id}.`))
  const value = name && (parseSample(readFileSync(new URL(name, samples), 'utf8')).value as Values)
  return {
    charset: codec.charset === 'utf-8' ? 'utf-8' : 'gbk',
    widths: widthsOf(codec),
    ...(value && 'items' in value ? { most: { items: mostOf(codec, value, 'items') } } : {}),
    ...(codes.table ? { results: codes.table as { readonly [bankCode: string]: UnifiedCode } } : {}),
    ...(!codes.table && codec.layout !== 'json' && value && 'result' in value ? { results: listedIn(codec, value) } : {}),
  }
}

/** What the bank's message says of a value: without the fields it omits and without absent ones. */
const carried = (codec: AnyCodec, value: Values): Values => {
  const rows = codec.describe().filter(row => row.depth === 0)
  const there = new Set(rows.map(row => row.field))
  return Object.fromEntries(Object.entries(value).filter(([name, v]) => there.has(name) && v !== undefined))
}

/** The fault of an act, if it has one; anything else it throws is a failure of the test. */
const faultOf = (act: () => unknown): Fault | undefined => {
  try {
    act()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  return undefined
}

/** Messages spoilt in one to three places: some bytes replaced, cut out, put in or said twice, or the rest cut off. */
const spoilt = (bytes: Uint8Array): fc.Arbitrary<Buffer> => {
  const splice = fc.record({
    at: fc.nat({ max: bytes.length }),
    out: fc.oneof(fc.constant(0), fc.nat({ max: 40 }), fc.constant(bytes.length)),
    put: fc.oneof(fc.uint8Array({ maxLength: 6 }), fc.nat({ max: 40 })),
  })
  return fc.array(splice, { minLength: 1, maxLength: 3 }).map(splices =>
    splices.reduce<Buffer>((b, { at, out, put }) => {
      const said = typeof put === 'number' ? b.subarray(at, at + put) : put
      return Buffer.concat([b.subarray(0, at), said, b.subarray(at + out)])
    }, Buffer.from(bytes)),
  )
}

const secretsOf = (value: Values): string[] =>
  [value.account, value.taxpayerId, value.taxpayerName].filter(secret => typeof secret === 'string').filter(secret => secret.length >= 6)

describe.each(subjects)('$folder', subject => {
  const { bank } = subject
  const messages = [...messagesOf(bank)]

  describe.each(messages)('%s', (_id, { verb, side, codec }) => {
    const message: Message = codec.message
    const values: fc.Arbitrary<Values> = messageOf(message, carriesOf(subject, codec))
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
        }),
      )
    })

    test('spoilt bytes are refused with a fault, or read as exactly what they say', () => {
      const spoiling = written.chain(({ value, bytes }) => fc.record({ value: fc.constant(value), bytes: spoilt(bytes) }))
      fc.assert(
        fc.property(spoiling, ({ value, bytes }) => {
          codec.matches(bytes)
          codec.explain(bytes)
          explain(bank, bytes)
          const fault = faultOf(() => {
            const read = codec.decode(bytes) as Values
            // fields that the bank omits cannot be written from what was read: the original's stand in for them
            const kept = Object.entries(value).filter(([name]) => !(name in carried(codec, value)))
            expect(codec.decode(codec.encode({ ...Object.fromEntries(kept), ...read } as never))).toEqual(read)
          })
          for (const secret of secretsOf(value)) expect(JSON.stringify(fault) ?? '').not.toContain(secret)
        }),
      )
    })
  })
})

describe('what 湘江银行 cannot carry is refused, never cut', () => {
  const debit = xiangjiang.debit.request
  type Debit = ValuesOf<typeof debit.message> & Parameters<typeof debit.encode>[0]
  const subject = subjects.find(({ bank }) => bank === xiangjiang)!
  const values = messageOf(debit.message, carriesOf(subject, debit)) as fc.Arbitrary<Debit>

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

// Their GBK bytes happen to be valid UTF-8 of Chinese characters: a correct reply must never be refused for that.
test.each(['榘珅', '顎怈', '甯玜'])('a text of %s is read by the agreed charset', text => {
  const { reply } = dongting.debit
  const told = {
    officeCode: '14301020000',
    entrustDate: '2026-11-10',
    serialNo: '00000001',
    ticketNo: '430000000000000001',
    amount: 0,
    result: { ...outcome('24003', 'E10051'), bankText: text },
  }
  expect(reply.decode(reply.encode(told))).toEqual(told)
})
