import { type Codec, charset, debitRequest, debitResult, Fault, outcomes } from '@taxlink/bank-sdk'
import fc from 'fast-check'
import iconv from 'iconv-lite'
import { describe, expect, it } from 'vitest'
import xml2js from 'xml2js'
import { messageOf } from '../arbitrary.ts'
import { answer, bankCodes, debit, reply, request, requestIn } from './document-layouts.ts'

const debits = messageOf(debitRequest, { charset: 'gbk' })
const answers = messageOf(debitResult, { charset: 'gbk', results: bankCodes })

type Tree = { [name: string]: string | Tree | Tree[] }
const day = (iso: string) => iso.replaceAll('-', '')
/** Fen as yuan, by another way than the cell's. */
const money = (fen: number) => {
  const digits = String(fen).padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`
}
const built = (tree: Tree) =>
  iconv.encode(new xml2js.Builder({ xmldec: { version: '1.0', encoding: 'GBK' }, renderOpts: { pretty: false } }).buildObject(tree), 'gbk')
const requestTree = (v: typeof debit): Tree => ({
  TAX: {
    HEAD: { $: { VER: '1.2', LSH: v.serialNo }, TRAN_CODE: '3001', ZSJG_DM: v.officeCode, WTRQ: day(v.entrustDate) },
    BODY: {
      SPHM: v.ticketNo,
      GZRQ: day(v.workDate),
      SBQD: v.channel === 'phone' ? 'DH' : 'DN',
      NSRSBH: v.taxpayerId,
      NSRMC: v.taxpayerName,
      XYSH: v.agreementNo,
      JSZH: v.account,
      KHH: v.payerBankNo,
      SKGK_DM: v.treasuryCode,
      GKQSH: v.clearingNo,
      BJZH: v.remittanceAccount,
      JE: money(v.amount),
      MXS: {
        MX: v.items.map(item => ({
          $: { DM: item.taxCode },
          ZSXM_MC: item.taxName,
          YSKM_DM: item.budgetSubject,
          YSJC: item.budgetLevel,
          SSQ: { $: { Q: day(item.periodStart), Z: day(item.periodEnd) } },
          SE: money(item.amount),
        })),
      },
    },
  },
})
const replyTree = (v: typeof answer): Tree => ({
  TAX: {
    HEAD: { ZSJG_DM: v.officeCode, WTRQ: day(v.entrustDate), LSH: v.serialNo, RET: v.result.bankCode, RETMSG: v.result.bankText ?? '' },
    BODY: { SPHM: v.ticketNo, JE: money(v.amount), YHLSH: v.bankSerial ?? '', KJRQ: v.accountingDate ? day(v.accountingDate) : '' },
  },
})

describe('any message', () => {
  it('is written as xml2js.Builder writes it, and read back', () => {
    fc.assert(
      fc.property(debits, value => {
        const xml = request.encode(value)
        expect(Buffer.from(xml).equals(built(requestTree(value)))).toBe(true)
        expect(request.decode(xml)).toEqual(value)
        expect(request.matches(xml)).toBe(true)
      }),
      { numRuns: 300 },
    )
    fc.assert(
      fc.property(answers, value => {
        const xml = reply.encode(value)
        expect(Buffer.from(xml).equals(built(replyTree(value)))).toBe(true)
        expect(reply.decode(xml)).toEqual(value)
      }),
      { numRuns: 300 },
    )
  })

  it('in UTF-8 or GB18030 may have any character', () => {
    for (const name of ['utf-8', 'gb18030'] as const) {
      const codec = requestIn(name)
      fc.assert(
        fc.property(messageOf(debitRequest, { charset: 'utf-8' }), value => {
          expect(codec.decode(codec.encode(value))).toEqual(value)
        }),
        { numRuns: 100 },
      )
    }
  })

  it('is explained with rows that lie where they say, and without what is private', () => {
    const gbk = charset('gbk')
    fc.assert(
      fc.property(debits, value => {
        const xml = request.encode(value)
        const rows = request.explain(xml)
        expect(rows.filter(row => row.fault)).toEqual([])
        for (const { field, offset, width, text, hex } of rows) {
          if (hex === '') continue
          const raw = gbk.decode(xml, offset, offset + width)
          const said = raw.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
          expect([field, said]).toEqual([field, text])
        }
        const hidden = ['taxpayerId', 'taxpayerName', 'agreementNo', 'account', 'remittanceAccount']
        expect(rows.filter(row => row.hex === '').map(row => row.field)).toEqual(hidden)
      }),
      { numRuns: 100 },
    )
  })
})

/** Reads bytes that may be anything: either a value, which is then written and read back the same, or a Fault of this message. */
const soundly = <In, Out>(codec: Codec<In, Out>, bytes: Uint8Array): Out | undefined => {
  codec.matches(bytes)
  const rows = codec.explain(bytes)
  let value: Out
  try {
    value = codec.decode(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(Fault)
    const { at, message } = error as Fault
    expect(at.message).toBe(codec.message.id)
    if (at.offset !== undefined) expect(at.offset).toBeLessThanOrEqual(bytes.length)
    expect(message).not.toMatch(/\d{11,}/)
    expect(rows.some(row => row.fault !== undefined)).toBe(true)
    return undefined
  }
  expect(rows.filter(row => row.fault)).toEqual([])
  return value
}

describe('any bytes', () => {
  it('are read or refused, never else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
        expect(soundly(request, bytes)).toBeUndefined()
      }),
      { numRuns: 500 },
    )
    const pieces = fc.constantFrom(
      ...[
        '<TAX>',
        '</TAX>',
        '<HEAD',
        ' VER="1.2"',
        '>',
        '/>',
        '<BODY>',
        '<![CDATA[',
        ']]>',
        '<!--',
        '-->',
        '<!DOCTYPE a [',
        '<?xml',
        '?>',
        '&#',
        '&lt;',
        ';',
      ],
      ...['<SPHM>', '</SPHM>', '\r', '\n', 'é', '珅', '\0', '"', '<MX/>', '<MX DM="1">', '<__proto__>', '</>', '<', '&', '3001'],
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60, size: 'max' }), parts => {
        expect(soundly(request, Buffer.from(parts.join('')))).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })

  it('changed in one place never become another debit unnoticed', () => {
    const xml = reply.encode(answer)
    const key = ({ officeCode, entrustDate, serialNo }: typeof answer) => [officeCode, entrustDate, serialNo]
    fc.assert(
      fc.property(fc.nat({ max: xml.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const changed = xml.slice()
        changed[at] = byte
        const value = soundly(reply, changed)
        if (value === undefined) return
        // what was read is what stands there: written again, it differs from the changed bytes at most in what has no meaning
        const again = reply.decode(
          reply.encode({ ...value, result: outcomes[value.result.code].class === 'unknown' ? answer.result : value.result }),
        )
        expect(key(again)).toEqual(key(value))
        expect(again.amount).toBe(value.amount)
        // one byte changes one field at most
        const differing = Object.keys(answer).filter(
          name => JSON.stringify(value[name as 'amount']) !== JSON.stringify(answer[name as 'amount']),
        )
        expect(differing.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 2_000 },
    )
  })

  it('cut, doubled or exchanged anywhere are refused', () => {
    const xml = request.encode(debit)
    for (let end = 0; end < xml.length; end++) expect(soundly(request, xml.subarray(0, end)), `cut at ${end}`).toBeUndefined()
    for (let start = 1; start < xml.length; start += 7) {
      const rest = xml.subarray(start)
      expect(soundly(request, Buffer.concat([xml, rest])), `followed by itself from ${start}`).toBeUndefined()
    }
    fc.assert(
      fc.property(fc.nat(xml.length), fc.nat(xml.length), fc.nat(xml.length), (a, b, c) => {
        const [from, to] = a < b ? [a, b] : [b, a]
        const moved = Buffer.concat([xml.subarray(0, c), xml.subarray(from, to), xml.subarray(c)])
        const value = soundly(request, moved)
        if (value === undefined) return
        const differing = Object.keys(debit).filter(
          name => JSON.stringify(value[name as 'amount']) !== JSON.stringify(debit[name as 'amount']),
        )
        expect(differing.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 1_500 },
    )
  })
})
