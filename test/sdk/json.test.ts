import {
  debitRequest,
  debitResult,
  exchanges,
  Fault,
  inquiryResult,
  json,
  linkTestResult,
  type Message,
  reversalRequest,
  schemaOf,
  supplementaryDebitRequest,
} from '@taxlink/bank-sdk'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageOf } from '../arbitrary.ts'
import { answer, debit } from './document-layouts.ts'

const request = json(debitRequest)
const reply = json(debitResult)
const text = Buffer.from(request.encode(debit)).toString()
const replyText = Buffer.from(reply.encode(answer)).toString()
const refusal = (codec: { decode(bytes: Uint8Array): unknown }, of: string | Uint8Array): string => {
  try {
    return `read ${JSON.stringify(codec.decode(typeof of === 'string' ? Buffer.from(of) : of))}`
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    expect(error.at.message).toMatch(/^debit\./)
    return `${error.fault} ${error.at.field ?? '-'} @${error.at.offset}`
  }
}
const byteOf = (part: string, of = text) => Buffer.byteLength(of.slice(0, of.indexOf(part)))
const all: readonly Message[] = Object.values(exchanges).flatMap(({ request: asked, reply: told }) => [asked, told])

describe('the open JSON form', () => {
  it('is written in the order of the catalogue, with version and type', () => {
    const shuffled = { ...answer, result: { bankText: '扣款成功', bankCode: 'AAAAAA', code: '90000', class: 'succeeded' } as const }
    const reversed = Object.fromEntries(Object.entries(shuffled).toReversed()) as typeof answer
    expect(Buffer.from(reply.encode(reversed)).toString()).toBe(
      '{"version":"1","type":"debit.result","officeCode":"14301040000","entrustDate":"2026-09-10","serialNo":"00000017",' +
        '"ticketNo":"343010926000000017","result":{"class":"succeeded","code":"90000","bankCode":"AAAAAA","bankText":"扣款成功"},' +
        '"amount":123456,"bankSerial":"DT2026091000017","accountingDate":"2026-09-11"}',
    )
    const { bankSerial: _, accountingDate: __, ...short } = answer
    expect(JSON.parse(Buffer.from(reply.encode({ ...short, bankSerial: undefined } as never)).toString())).not.toHaveProperty('bankSerial')
    expect(reply.decode(reply.encode(short))).toEqual(short)
  })

  it('reads any message that it wrote', () => {
    for (const message of all) {
      fc.assert(
        fc.property(messageOf(message, { charset: 'utf-8' }), value => {
          const codec = json(message)
          const bytes = codec.encode(value)
          expect(codec.decode(bytes)).toEqual(value)
          expect(codec.matches(bytes)).toBe(true)
          expect(codec.explain(bytes).filter(row => row.fault)).toEqual([])
          expect(JSON.parse(Buffer.from(bytes).toString())).toEqual({ version: '1', type: message.id, ...value })
        }),
        { numRuns: 60 },
      )
    }
  })

  it('refuses to write what it would refuse to read', () => {
    const place = (value: object) => {
      try {
        request.encode({ ...debit, ...value })
      } catch (error) {
        const { fault, at } = error as Fault
        return `${fault} ${at.message} ${at.field}`
      }
      return 'written'
    }
    expect(place({ account: '6222 02' })).toBe('bad-value debit.request account')
    expect(place({ items: [debit.items[0], { ...debit.items[1]!, amount: 7 }] })).toBe('sum-mismatch debit.request items')
    expect(place({ items: [debit.items[0], { ...debit.items[1]!, taxName: ' x' }] })).toBe('bad-value debit.request items/1/taxName')
    expect(place({ amount: 1.5 })).toBe('not-a-number debit.request amount')
    expect(place({ ticketNo: undefined })).toBe('missing debit.request ticketNo')
    expect(place({ nonsense: 1 })).toMatch(/^unexpected debit\.request/)
    expect(() => reply.encode({ ...answer, result: { ...answer.result, class: 'refused' } })).toThrow(
      expect.objectContaining({ fault: 'bad-value' }),
    )
  })
})

describe('reading', () => {
  const changed = (from: string, to: string) => refusal(request, text.replace(from, to))

  it('names pointer and byte of what is wrong', () => {
    expect(changed('"amount":6', '"amount":"6"')).toBe(`not-a-number items/1/amount @${byteOf('"amount":6') + 9}`)
    expect(changed('"amount":6', '"amount":6.0')).toBe(`not-a-number items/1/amount @${byteOf('"amount":6') + 9}`)
    expect(changed('"amount":6', '"amount":0')).toBe(`bad-value items/1/amount @${byteOf('"amount":6') + 9}`)
    expect(changed('"amount":6', '"amount":7')).toBe(`sum-mismatch items @${byteOf('[{"taxCode"')}`)
    expect(changed('"amount":6', '"amount":6,"amount":6')).toBe(`duplicate items/1/amount @${byteOf('"amount":6') + 11}`)
    expect(changed('"amount":6', '"amount":6,"rate":3')).toBe(`unexpected items/1/rate @${byteOf('"amount":6') + 18}`)
    expect(changed('"channel":"phone"', '"channel":"fax"')).toBe(`bad-value channel @${byteOf('"phone"')}`)
    expect(changed('"channel":"phone",', '')).toBe('missing channel @0')
    expect(changed('"taxCode":"10101",', '')).toBe(`missing items/0/taxCode @${byteOf('{"taxCode"')}`)
    expect(changed('"channel":"phone"', '"channel":null')).toBe(`bad-value channel @${byteOf('"phone"')}`)
    expect(changed('"2026-09-10","serialNo"', '"20260910","serialNo"')).toBe(`not-a-date entrustDate @${byteOf('"2026-09-10","serialNo"')}`)
    expect(changed('"version":"1"', '"version":1')).toBe('wrong-constant version @11')
    expect(changed('"version":"1"', '"version":"2"')).toBe('wrong-constant version @11')
    expect(changed('"version":"1",', '')).toBe('missing version @0')
    expect(changed('"type":"debit.request"', '"type":"debit.result"')).toBe('wrong-constant type @22')
    expect(changed('{"version"', '{"x":1,"version"')).toBe('unexpected x @5')
    expect(changed('{"version"', '{"constructor":1,"version"')).toBe('unexpected constructor @15')
    expect(changed('{"version"', '{"__proto__":1,"version"')).toBe('unexpected __proto__ @1')
    expect(changed('{"version"', '{"6222021901000000017":1,"version"')).toMatch(/^unexpected \?/)
    expect(refusal(request, 'null')).toBe('bad-value - @0')
    expect(refusal(request, '[]')).toBe('bad-value - @0')
    expect(refusal(request, text.replace(/"items":\[.*\]/, '"items":[]'))).toBe(`missing items @${byteOf('[{"taxCode"')}`)
    expect(refusal(request, text.replace(/"items":\[.*\]/, '"items":{}'))).toBe(`bad-value items @${byteOf('[{"taxCode"')}`)
    expect(refusal(request, text.replace(/"items":\[.*\]/, '"items":[null]'))).toBe(`bad-value items/0 @${byteOf('[{"taxCode"') + 1}`)
    const at = byteOf('"succeeded"', replyText)
    expect(refusal(reply, replyText.replace('"succeeded"', '"refused"'))).toBe(`bad-value result/class @${at}`)
    expect(refusal(reply, replyText.replace('"90000"', '"0000"'))).toMatch(/^bad-value result\/code/)
    expect(refusal(reply, replyText.replace('"bankCode"', '"x":1,"bankCode"'))).toMatch(/^unexpected result\/x/)
    expect(refusal(reply, replyText.replace(/"result":\{.*?\}/, '"result":[]'))).toMatch(/^bad-value result/)
  })

  it('counts bytes behind Chinese text, and knows what is no UTF-8', () => {
    const at = byteOf('"agreementNo"')
    expect(at).toBeGreaterThan(text.indexOf('"agreementNo"'))
    expect(changed('"agreementNo"', '"agreementN"')).toBe(`missing agreementNo @0`)
    expect(changed('"agreementNo":', '"agreementNo":+')).toBe(`malformed agreementNo @${at + 14}`)
    expect(refusal(request, Buffer.from(text, 'latin1'))).toMatch(/^invalid-bytes/)
    const broken = Buffer.from(text)
    broken[broken.indexOf('倈億')] = 0xff
    expect(refusal(request, broken)).toBe(`invalid-bytes taxpayerName @${Buffer.from(text).indexOf('倈億')}`)
    expect(refusal(request, Buffer.concat([Buffer.from('\ufeff'), Buffer.from(text)]))).toMatch(/^invalid-bytes|^malformed/)
    expect(refusal(request, Buffer.from(text, 'utf16le'))).toMatch(/^malformed|^invalid-bytes/)
  })

  it('shows nothing private', () => {
    for (const value of ['91430100MA4L2XYZ0A\u0001', 'X'.repeat(21), '张三']) {
      const error = (() => {
        try {
          request.decode(Buffer.from(text.replace('91430100MA4L2XYZ0A', JSON.stringify(value).slice(1, -1))))
        } catch (thrown) {
          return thrown as Fault
        }
        throw new Error('read')
      })()
      expect(error.at.field).toBe('taxpayerId')
      expect(JSON.stringify([error.message, error])).not.toMatch(/91430100MA4L|XXXXX|张三/)
    }
  })

  it('refuses or reads any bytes, never else', () => {
    const bytes = Buffer.from(text)
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const other = Buffer.from(bytes)
        other[at] = byte
        request.matches(other)
        const rows = request.explain(other)
        try {
          const value = request.decode(other)
          expect(rows.filter(row => row.fault)).toEqual([])
          const differing = Object.keys(debit).filter(
            name => JSON.stringify(value[name as 'amount']) !== JSON.stringify(debit[name as 'amount']),
          )
          expect(differing.length).toBeLessThanOrEqual(1)
          expect(request.decode(request.encode(value))).toEqual(value)
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
          expect((error as Fault).at.offset).toBeTypeOf('number')
          expect(rows.some(row => row.fault)).toBe(true)
        }
      }),
      { numRuns: 2_000 },
    )
    for (let end = 0; end < bytes.length; end++) expect(refusal(request, bytes.subarray(0, end))).not.toMatch(/^read/)
    for (const junk of [[], [0], [0xff], [0x7b], [0x7b, 0x7d]]) {
      expect(request.matches(Uint8Array.from(junk))).toBe(false)
      expect(request.explain(Uint8Array.from(junk)).some(row => row.fault)).toBe(true)
    }
    expect(request.explain(Buffer.alloc(1_000_000, '['))).toMatchObject([{ fault: expect.stringContaining('T1014') }])
  })
})

describe('agreement with the published schema', () => {
  const ajv = new Ajv2020({ strict: true, allErrors: false, validateFormats: true })
  formats.default(ajv)
  ajv.addKeyword('x-private')
  const messages = [
    debitRequest,
    debitResult,
    supplementaryDebitRequest,
    reversalRequest,
    inquiryResult,
    linkTestResult,
  ] as readonly Message[]
  const validators = new Map(messages.map(message => [message, ajv.compile(schemaOf(message))]))

  type Tree = { [name: string]: unknown }
  const strings = fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      'a b',
      ' a',
      'a ',
      '\u3000a',
      'a\u3000',
      'a\nb',
      'a\u0085b',
      'a\u007f',
      '１２',
      '0',
      '-1',
      '00000017',
      '1'.repeat(18),
    ),
    fc.constantFrom(
      '2026-02-29',
      '2024-02-29',
      '2026-13-01',
      '2026-1-1',
      '20260101',
      '0000-01-01',
      '2026-06-31',
      '2026-01-01T00:00:00Z',
      '1900-02-29',
    ),
    fc.constantFrom(
      'computer',
      'COMPUTER',
      'duplicate',
      'succeeded',
      '90000',
      '24003',
      '0000',
      '珅'.repeat(60),
      '𠮷'.repeat(60),
      '𠮷'.repeat(101),
      'x'.repeat(121),
    ),
    fc.string({ maxLength: 40 }),
  )
  const odd: fc.Arbitrary<unknown> = fc.oneof(
    strings,
    fc.constantFrom(null, true, false, 0, 1, -1, 1.5, 2 ** 53, 999_999_999_999_999, 1_000_000_000_000_000, [], {}, [[]], [{}], ['a']),
  )

  /** The value with one place of it, chosen by `path`, replaced, left out or added to. */
  const spoilt = (value: unknown, path: readonly number[], how: 'replace' | 'drop' | 'add', by: unknown): unknown => {
    const [step = 0, ...rest] = path
    if (Array.isArray(value)) {
      const at = step % value.length
      if (how === 'add' && rest.length === 0) return [...value, by]
      if (how === 'drop' && rest.length === 0) return value.toSpliced(at, 1)
      return value.with(at, rest.length === 0 ? by : spoilt(value[at], rest, how, by))
    }
    if (typeof value !== 'object' || value === null) return by
    const names = Object.keys(value)
    const name = names[step % names.length]!
    if (rest.length > 0) return { ...value, [name]: spoilt((value as Tree)[name], rest, how, by) }
    if (how === 'add') return { ...value, surplus: by }
    const { [name]: _, ...others } = value as Tree
    return how === 'drop' ? others : { ...others, [name]: by }
  }

  it.each(messages.map(message => [message.id, message] as const))('%s: what ajv takes is what is read', (_, message) => {
    const codec = json(message)
    const validate = validators.get(message)!
    const seen = { both: 0, neither: 0 }
    const agree = (value: unknown) => {
      const bytes = Buffer.from(JSON.stringify(value))
      let fault: Fault | undefined
      try {
        codec.decode(bytes)
      } catch (error) {
        fault = error as Fault
      }
      // what a schema cannot say
      if (fault?.fault === 'sum-mismatch' || (fault?.at.field === 'result/class' && validate(value))) return
      expect([validate(value), fault?.message]).toEqual([fault === undefined, fault?.message])
      seen[fault ? 'neither' : 'both']++
    }
    fc.assert(
      fc.property(
        messageOf(message, { charset: 'utf-8' }),
        fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom('replace', 'replace', 'drop', 'add'),
        odd,
        (value, path, how, by) => {
          const whole = { version: '1', type: message.id, ...value }
          agree(whole)
          agree(spoilt(whole, path, how, by))
        },
      ),
      { numRuns: 600 },
    )
    expect(seen.both).toBeGreaterThan(100)
    expect(seen.neither).toBeGreaterThan(100)
  })
})

describe('explaining', () => {
  it('shows each value by its pointer, private ones masked', () => {
    const rows = request.explain(Buffer.from(text))
    const row = (field: string) => rows.find(one => one.field === field)
    expect(row('items/1/taxName')).toEqual({
      offset: byteOf('"教育费附加"'),
      width: 17,
      field: 'items/1/taxName',
      zh: '税种名称',
      en: 'name of the tax',
      text: '教育费附加',
      hex: Buffer.from('"教育费附加"').toString('hex'),
    })
    expect(row('account')).toMatchObject({ text: '622202****0017', hex: '' })
    expect(row('type')).toMatchObject({ text: 'debit.request', zh: '报文种类' })
    expect(JSON.stringify(rows)).not.toMatch(/6222021901000000017|91430100MA4L2XYZ0A|倈億/)
    expect(reply.explain(Buffer.from(replyText)).find(one => one.field === 'result/bankText')).toMatchObject({
      text: '扣款成功',
      zh: '银行附言',
    })
  })

  it('puts faults where they belong, and hides what it does not know', () => {
    const wrong = text.replace('"phone"', '"fax"').replace('"account":"6222021901000000017"', '"account":6222021901000000017')
    expect(request.explain(Buffer.from(wrong)).find(row => row.fault)?.fault).toContain('T1005')
    const several = request.explain(
      Buffer.from(text.replace('"phone"', '"fax"').replace('"clearingNo":"011551001",', '').replace('"version":"1"', '"version":"3"')),
    )
    expect(several.filter(row => row.fault).map(row => row.field)).toEqual(['version', 'channel', 'clearingNo'])
    const stranger = request.explain(Buffer.from(text.replace('{"version"', '{"card":"6222021901000000017","version"')))
    expect(stranger[0]).toMatchObject({ field: 'card', text: '', hex: '', fault: expect.stringContaining('T1010') })
    const cut = request.explain(Buffer.from(text.slice(0, text.indexOf('"agreementNo"'))))
    expect(cut.some(row => row.field === 'taxpayerName')).toBe(true)
    expect(cut.at(-1)?.fault).toContain('T1012')
  })

  it('describes itself for the reference pages', () => {
    const rows = reply.describe()
    expect(rows.map(row => row.place)).toEqual([
      ...[
        'version',
        'type',
        'officeCode',
        'entrustDate',
        'serialNo',
        'ticketNo',
        'result',
        'result/class',
        'result/code',
        'result/bankCode',
      ],
      ...['result/bankText', 'amount', 'bankSerial', 'accountingDate'],
    ])
    expect(request.describe().find(row => row.place === 'items/*/amount')).toMatchObject({ form: 'integer', required: true, depth: 1 })
  })
})
