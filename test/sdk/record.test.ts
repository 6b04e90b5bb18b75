import { debitRequest, inquiryRequest, left, omit, outcome, record, repeat, right, ymd } from '@taxlink/bank-sdk'
import { describe, expect, it } from 'vitest'
import { answer, faultOf, headWidth, instruction, itemWidth, reply, request, richIn } from './record-layouts.ts'

/** The bytes with some others written over them. */
const patched = (bytes: Uint8Array, at: number, over: string | number[]): Buffer => {
  const copy = Buffer.from(bytes)
  Buffer.from(typeof over === 'string' ? Buffer.from(over, 'latin1') : over).copy(copy, at)
  return copy
}
const wire = Buffer.from(reply.encode(answer))

describe('the bytes of a record', () => {
  it('are those of the bank’s page', () => {
    const page =
      'KK51' +
      '14300000000 ' +
      '20260910' +
      '00000001' +
      '343260910000000001' +
      '1051' +
      '\xd3\xe0\xb6\xee\xb2\xbb\xd7\xe3'.padEnd(60) +
      '000000000000000' +
      'HX20260910'.padEnd(20) +
      '20260910'
    expect(wire.toString('latin1')).toBe(page)
    expect(reply.decode(Buffer.from(page, 'latin1'))).toStrictEqual(answer)
  })

  it('are read from any view of memory', () => {
    const inside = new Uint8Array(300)
    inside.set(wire, 77)
    expect(reply.decode(inside.subarray(77, 77 + 157))).toStrictEqual(answer)
    expect(reply.decode(new Uint8Array(wire))).toStrictEqual(answer)
  })

  it('leave absent fields blank, and blank fields absent', () => {
    const { bankSerial: _, accountingDate: __, ...rest } = answer
    const { bankText: ___, ...result } = rest.result
    const bytes = Buffer.from(reply.encode({ ...rest, result }))
    expect(bytes.subarray(129).toString()).toBe(' '.repeat(28))
    const back = reply.decode(bytes)
    expect(back).toStrictEqual({ ...rest, result })
    expect('bankSerial' in back || 'bankText' in back.result).toBe(false)
  })

  it('keep names whose characters end in the bytes of \\ and | in their place', () => {
    // 億 837C, 珅 AB5C, 誠 D55C, 倈 827C; 珅 as the last of a full field
    for (const taxpayerName of ['億', '珅', '誠億倈', `${'誠'.repeat(29)}珅`]) {
      const back = request.decode(request.encode({ ...instruction, taxpayerName }))
      expect(back).toStrictEqual({ ...instruction, taxpayerName })
    }
  })

  it('carry blanks inside a name, full-width or not', () => {
    for (const taxpayerName of ['张 三', '张　三', 'A  B']) {
      expect(request.decode(request.encode({ ...instruction, taxpayerName })).taxpayerName).toBe(taxpayerName)
    }
  })

  it('come from the same layout in utf-8, gb2312, gbk and gb18030', () => {
    const value = { ...instruction, taxpayerName: '长沙商贸' }
    for (const charset of ['utf-8', 'gb2312', 'gbk', 'gb18030'] as const) {
      const rich = richIn(charset)
      const bytes = rich.encode(rich.decode(rich.encode(everythingOf(value.taxpayerName))))
      expect(rich.decode(bytes)).toStrictEqual(everythingOf(value.taxpayerName))
    }
    const rare = everythingOf('𬎆䶮') // of GB18030 alone
    expect(richIn('gb18030').decode(richIn('gb18030').encode(rare))).toStrictEqual(rare)
    expect(faultOf(() => richIn('gbk').encode(rare)).fault).toBe('not-in-charset')
  })
})

const everythingOf = (name: string) => ({
  code: '007',
  numbers: '12345',
  name,
  account: '6222000000001',
  amount: 999_999_999_999_999,
  paid: 56,
  day: '2028-02-29',
  iso: '2026-09-10',
  british: '2026-12-31',
  channel: 'phone' as const,
  short: 'A-1',
  result: outcome('90000', '0000'),
  parts: [{ label: '一', amount: 1 }],
})

describe('cells of a bank’s own', () => {
  it('are padded on their side', () => {
    const bytes = Buffer.from(richIn('gbk').encode(everythingOf('张三'))).toString('latin1')
    expect(bytes.slice(123, 139)).toBe('0000000000000.56') // paid, in yuan
    expect(bytes.slice(159, 169)).toBe('2026-09-10')
    expect(bytes.slice(169, 179)).toBe('31/12/2026')
    expect(bytes.slice(182, 194)).toBe('         A-1')
  })

  it('are read again as they were written, or refused', () => {
    const rich = richIn('gbk')
    const bytes = rich.encode(everythingOf('张三'))
    expect(faultOf(() => rich.decode(patched(bytes, 169, '31.12.2026'))).at).toMatchObject({ field: 'british', offset: 169, width: 10 })
    expect(faultOf(() => rich.decode(patched(bytes, 169, '31/02/2026'))).fault).toBe('not-a-date')
    expect(faultOf(() => rich.decode(patched(bytes, 123, '   0000000000.56'))).at.field).toBe('paid')
    expect(faultOf(() => rich.decode(patched(bytes, 123, '0000000000001.5 '))).at.field).toBe('paid')
  })
})

describe('what cannot be written', () => {
  const refusals: readonly (readonly [string, object, string, object])[] = [
    ['a name of 61 bytes', { taxpayerName: `${'一'.repeat(30)}A` }, 'too-long', { field: 'taxpayerName', offset: 79, width: 60 }],
    ['a name of 101 characters', { taxpayerName: 'A'.repeat(101) }, 'too-long', { field: 'taxpayerName' }],
    ['a character outside the charset', { taxpayerName: '张𠮷' }, 'not-in-charset', { field: 'taxpayerName', offset: 79, width: 60 }],
    ['private use', { taxpayerName: '张\ue81e' }, 'not-in-charset', { field: 'taxpayerName' }],
    ['half a surrogate pair', { taxpayerName: '张\ud842' }, 'bad-value', { field: 'taxpayerName' }],
    ['a blank at the end', { taxpayerName: '张三 ' }, 'bad-value', { field: 'taxpayerName' }],
    ['a blank at the start', { taxpayerName: ' 张三' }, 'bad-value', { field: 'taxpayerName' }],
    ['a full-width blank at the end', { taxpayerName: '张三　' }, 'bad-value', { field: 'taxpayerName' }],
    ['a line feed', { taxpayerName: '张\n三' }, 'bad-value', { field: 'taxpayerName' }],
    ['a NUL', { taxpayerName: '张\0三' }, 'bad-value', { field: 'taxpayerName' }],
    ['an empty name', { taxpayerName: '' }, 'missing', { field: 'taxpayerName' }],
    ['a name that is a number', { taxpayerName: 5 }, 'bad-value', { field: 'taxpayerName' }],
    ['a forgotten name', { taxpayerName: undefined }, 'missing', { field: 'taxpayerName', offset: 79, width: 60 }],
    ['a forgotten amount', { amount: undefined }, 'missing', { field: 'amount', offset: 298 }],
    ['a blank in an account', { account: '6222 0219' }, 'bad-value', { field: 'account', offset: 199, width: 32 }],
    ['full-width digits', { ticketNo: '３43260910000000001' }, 'bad-value', { field: 'ticketNo', offset: 32 }],
    ['an account that is a number', { account: 6222021901000123456n }, 'bad-value', { field: 'account' }],
    ['a ticket number too short', { ticketNo: '34326091000000000' }, 'bad-value', { field: 'ticketNo' }],
    ['a ticket number too long', { ticketNo: '3432609100000000011' }, 'too-long', { field: 'ticketNo' }],
    ['no day', { workDate: '2026-02-29' }, 'not-a-date', { field: 'workDate', offset: 50, width: 8 }],
    ['a date of another form', { workDate: '20260910' }, 'not-a-date', { field: 'workDate' }],
    ['a date with a time', { workDate: '2026-09-10T00:00' }, 'not-a-date', { field: 'workDate' }],
    ['another word', { channel: 'fax' }, 'unlisted-code', { field: 'channel', offset: 58, width: 1 }],
    ['no amount of money', { amount: 0 }, 'bad-value', { field: 'amount' }],
    ['a part of a fen', { amount: 1.5 }, 'not-a-number', { field: 'amount' }],
    ['more than 15 digits', { amount: 1e15 }, 'bad-value', { field: 'amount', offset: 298, width: 15 }],
    ['a negative amount', { amount: -1 }, 'bad-value', { field: 'amount' }],
    ['an amount in text', { amount: '123456' }, 'not-a-number', { field: 'amount' }],
    ['an amount of one fen more', { amount: 123_457 }, 'sum-mismatch', { field: 'items' }],
    ['no items', { items: [] }, 'missing', { field: 'items', offset: 319 }],
    ['items that are no list', { items: {} }, 'bad-value', { field: 'items' }],
    ['forgotten items', { items: undefined }, 'missing', { field: 'items' }],
    ['eleven items', { items: Array.from({ length: 11 }, () => instruction.items[0]) }, 'over-limit', { field: 'items' }],
    ['an item that is none', { items: [instruction.items[0], null] }, 'bad-value', { field: 'items.1' }],
    ['something the message has not', { remark: 'x' }, 'unexpected', {}],
  ]
  for (const [what, change, fault, place] of refusals) {
    it(`${what}: ${fault}`, () => {
      const found = faultOf(() => request.encode({ ...instruction, ...change } as never))
      expect(found.fault).toBe(fault)
      expect(found.at).toMatchObject({ message: 'debit.request', ...place })
    })
  }

  it('a field of an item, with its place in the record', () => {
    const [first, second] = instruction.items as [(typeof instruction.items)[number], (typeof instruction.items)[number]]
    const of = (change: object) => faultOf(() => request.encode({ ...instruction, items: [first, { ...second, ...change }] } as never))
    expect(of({ taxName: '' })).toMatchObject({
      fault: 'missing',
      at: { field: 'items.1.taxName', offset: headWidth + itemWidth + 10, width: 60 },
    })
    expect(of({ amount: 1e12 })).toMatchObject({ fault: 'too-long', at: { field: 'items.1.amount', offset: headWidth + itemWidth + 117 } })
    expect(of({ rate: 3 })).toMatchObject({ fault: 'unexpected', at: { field: 'items.1' } })
  })

  it('an outcome that contradicts itself, or for which the bank has no code', () => {
    const of = (result: object) => faultOf(() => reply.encode({ ...answer, result } as never))
    expect(of({ class: 'succeeded', code: '24003', bankCode: '1051' })).toMatchObject({
      fault: 'bad-value',
      at: { field: 'result.class', offset: 50 },
    })
    expect(of({ class: 'refused', code: '24999', bankCode: '1051' })).toMatchObject({ fault: 'bad-value', at: { field: 'result.code' } })
    expect(of(outcome('24004'))).toMatchObject({ fault: 'unlisted-code', at: { field: 'result', offset: 50, width: 4 } })
    expect(of(outcome('90000', '0000', '成功'.repeat(16)))).toMatchObject({
      fault: 'too-long',
      at: { field: 'result.bankText', offset: 54 },
    })
  })

  it('no object', () => {
    for (const value of [undefined, null, 'x', 1, []]) expect(faultOf(() => reply.encode(value as never)).fault).toBe('bad-value')
  })

  it('says nothing of the value', () => {
    const secrets = { taxpayerName: '绝密\ue000名字', account: '6222 0219 SECRET', taxpayerId: 'SECRET 1', payerBankNo: '99SECRET9999' }
    for (const [name, secret] of Object.entries(secrets)) {
      const { message, detail } = faultOf(() => request.encode({ ...instruction, [name]: secret }))
      for (const part of ['SECRET', '绝', '密', 'E000', 'e000', '6222', '99S']) expect(message + detail).not.toContain(part)
    }
  })
})

describe('what cannot be read', () => {
  const broken: readonly (readonly [string, number, string | number[], string, object])[] = [
    ['another transaction code', 0, 'KK52', 'wrong-constant', { offset: 0, width: 4 }],
    ['a letter among digits', 4, '1430000000A ', 'bad-value', { field: 'officeCode', offset: 4, width: 12 }],
    ['a blank before the value', 4, ' 14300000000', 'bad-value', { field: 'officeCode' }],
    ['a NUL as padding', 15, [0], 'bad-value', { field: 'officeCode' }],
    ['a required field left blank', 4, ' '.repeat(12), 'missing', { field: 'officeCode', offset: 4, width: 12 }],
    ['a day that does not exist', 16, '20260931', 'not-a-date', { field: 'entrustDate', offset: 16, width: 8 }],
    ['a date of zeros', 16, '00000000', 'not-a-date', { field: 'entrustDate' }],
    ['a date of NULs', 16, [0, 0, 0, 0, 0, 0, 0, 0], 'not-a-date', { field: 'entrustDate' }],
    ['a date with a letter', 16, '2026O910', 'not-a-date', { field: 'entrustDate', offset: 20 }],
    ['a required date left blank', 16, '        ', 'missing', { field: 'entrustDate' }],
    ['a ticket number too short', 49, ' ', 'bad-value', { field: 'ticketNo', offset: 32, width: 18 }],
    ['half a character at the end of a text', 113, [0xd3], 'invalid-bytes', { field: 'result.bankText', offset: 113, width: 60 }],
    ['half a character before the padding', 62, [0xd3], 'invalid-bytes', { field: 'result.bankText', offset: 62 }],
    ['a byte that is none', 56, [0xff], 'invalid-bytes', { field: 'result.bankText', offset: 56 }],
    ['a full-width blank at the end', 62, [0xa1, 0xa1], 'bad-value', { field: 'result.bankText', offset: 54 }],
    ['a tabulator in a text', 62, [0x09, 0x41], 'bad-value', { field: 'result.bankText' }],
    ['a NUL behind a text', 62, [0], 'bad-value', { field: 'result.bankText' }],
    ['a blank before a text', 54, '  ', 'bad-value', { field: 'result.bankText' }],
    ['blanks instead of zeros', 114, '              0', 'not-a-number', { field: 'amount', offset: 114, width: 15 }],
    ['an amount left blank', 114, ' '.repeat(15), 'missing', { field: 'amount', offset: 114 }],
    ['a sign', 114, '-', 'not-a-number', { field: 'amount' }],
    ['a point', 126, '.', 'not-a-number', { field: 'amount', offset: 126 }],
    ['a high byte in a code', 129, [0xb0, 0xa1], 'bad-value', { field: 'bankSerial', offset: 129, width: 20 }],
    ['a blank in a serial number', 131, ' ', 'bad-value', { field: 'bankSerial' }],
    ['an optional date half blank', 149, '2026    ', 'not-a-date', { field: 'accountingDate' }],
  ]
  for (const [what, at, over, fault, place] of broken) {
    it(`${what}: ${fault}`, () => {
      const found = faultOf(() => reply.decode(patched(wire, at, over)))
      expect(found.fault).toBe(fault)
      expect(found.at).toMatchObject({ message: 'debit.result', ...place })
    })
  }

  it('a record of another length', () => {
    for (const bytes of [wire.subarray(0, 156), Buffer.concat([wire, Buffer.from(' ')]), Buffer.alloc(0)]) {
      expect(faultOf(() => reply.decode(bytes))).toMatchObject({ fault: 'wrong-length', at: { message: 'debit.result' } })
    }
    expect(faultOf(() => reply.decode(wire.subarray(0, 156))).detail).toBe('156 bytes, the layout has 157')
  })

  it('says nothing of the bytes', () => {
    const bytes = patched(request.encode(instruction), 79, [0xbe, 0xf8, 0xff, 0xff])
    const found = faultOf(() => request.decode(bytes))
    expect(found.at).toMatchObject({ field: 'taxpayerName', offset: 81 })
    expect(found.message).not.toMatch(/FF|ff|BEF8|绝/)
  })
})

describe('a bank’s result codes', () => {
  it('that are not listed are unknown, and nothing else', () => {
    expect(reply.decode(patched(wire, 50, '7777')).result).toStrictEqual({
      class: 'unknown',
      code: '99090',
      bankCode: '7777',
      bankText: '余额不足',
    })
    expect(reply.decode(patched(wire, 50, '77  ')).result.bankCode).toBe('77')
  })
  it('that are no text are shown in hex', () => {
    for (const [bytes, hex] of [
      ['    ', 'x20202020'],
      [' 051', 'x20303531'],
      ['\x00\xff\x00\xff', 'x00ff00ff'],
      ['05 1', 'x30352031'],
    ] as const) {
      expect(reply.decode(patched(wire, 50, bytes)).result).toMatchObject({ class: 'unknown', code: '99090', bankCode: hex })
    }
  })
  it('that are not listed go back as they came', () => {
    for (const code of ['7777', '77  ', '    ', '\x00\xff\x00\xff']) {
      const bytes = patched(wire, 50, code)
      expect(Buffer.from(reply.encode(reply.decode(bytes))).equals(bytes)).toBe(true)
    }
  })
  it('keep their own where several mean the same', () => {
    const rich = richIn('gbk')
    for (const bankCode of ['1051', '1052']) {
      const value = { ...everythingOf('张三'), result: outcome('24003', bankCode) }
      expect(rich.decode(rich.encode(value)).result.bankCode).toBe(bankCode)
    }
    expect(rich.decode(rich.encode({ ...everythingOf('张三'), result: outcome('24003') })).result.bankCode).toBe('1051')
  })
  it('cannot be changed in what was decoded', () => {
    const { result } = richIn('gbk').decode(richIn('gbk').encode(everythingOf('张三')))
    expect(() => Object.assign(result, { class: 'refused' })).toThrow(TypeError)
  })
})

describe('a repeated group', () => {
  const bytes = Buffer.from(request.encode(instruction))
  it('is a count and that many elements of one width', () => {
    expect(bytes.length).toBe(headWidth + 2 * itemWidth)
    expect(bytes.subarray(headWidth - 2, headWidth).toString()).toBe('02')
    expect(request.decode(bytes)).toStrictEqual(instruction)
    const ten = { ...instruction, amount: 1_230_000, items: Array.from({ length: 10 }, () => instruction.items[0]!) }
    expect(request.decode(request.encode(ten))).toStrictEqual(ten)
  })
  it('is as long as its count says', () => {
    expect(faultOf(() => request.decode(patched(bytes, headWidth - 2, '03')))).toMatchObject({ fault: 'wrong-length' })
    expect(faultOf(() => request.decode(bytes.subarray(0, bytes.length - 1)))).toMatchObject({ fault: 'wrong-length' })
    expect(faultOf(() => request.decode(bytes.subarray(0, headWidth - 1)))).toMatchObject({ fault: 'wrong-length' })
    for (const [count, fault] of [
      ['00', 'missing'],
      ['11', 'over-limit'],
      ['99', 'over-limit'],
      [' 2', 'not-a-number'],
      ['  ', 'missing'],
    ] as const) {
      expect(faultOf(() => request.decode(patched(bytes, headWidth - 2, count)))).toMatchObject({
        fault,
        at: { message: 'debit.request', field: 'items', offset: headWidth - 2, width: 2 },
      })
    }
  })
  it('sums to the amount of the record', () => {
    expect(faultOf(() => request.decode(patched(bytes, headWidth + itemWidth - 1, '1'))).fault).toBe('sum-mismatch')
  })
  it('has faults with the number of the element and the offset in the record', () => {
    const at = headWidth + itemWidth + 10
    expect(faultOf(() => request.decode(patched(bytes, at, [0xd3, 0x20])))).toMatchObject({
      fault: 'invalid-bytes',
      at: { message: 'debit.request', field: 'items.1.taxName', offset: at, width: 60 },
    })
  })
  it('may leave fields out', () => {
    const { items, ...rest } = instruction
    const lean = record(debitRequest, 'gbk', 49, [
      ['amount', right(15)],
      ['account', left(32)],
      omit('officeCode', 'entrustDate', 'serialNo', 'ticketNo', 'workDate', 'channel', 'taxpayerId', 'taxpayerName', 'agreementNo'),
      omit('payerBankNo', 'treasuryCode', 'clearingNo', 'remittanceAccount'),
      repeat('items', { count: right(2), max: 20 }, [
        ['amount', right(12)],
        omit('taxCode', 'taxName', 'budgetSubject', 'budgetLevel', 'periodStart', 'periodEnd'),
      ]),
    ])
    expect(lean.decode(lean.encode(instruction))).toStrictEqual({
      amount: rest.amount,
      account: rest.account,
      items: items.map(({ amount }) => ({ amount })),
    })
  })
})

describe('which message it is', () => {
  it('is told by the constants alone', () => {
    expect(reply.matches(wire)).toBe(true)
    expect(reply.matches(patched(wire, 4, 'nothing of a record'))).toBe(true)
    expect(reply.matches(wire.subarray(0, 4))).toBe(true)
    expect(reply.matches(wire.subarray(0, 3))).toBe(false)
    expect(reply.matches(Buffer.from('KK52'))).toBe(false)
    expect(reply.matches(new Uint8Array())).toBe(false)
  })
})

describe('the bank’s page', () => {
  it('lists every place with its offset', () => {
    const rows = request.describe()
    expect(rows.length).toBe(18 + 7)
    expect(rows[0]).toStrictEqual({
      place: '0',
      width: 4,
      field: '',
      zh: '固定内容',
      en: 'fixed text',
      form: 'constant KK01',
      required: true,
      depth: 0,
    })
    expect(rows.find(row => row.field === 'taxpayerName')).toMatchObject({
      place: '79',
      width: 60,
      zh: '纳税人名称',
      form: 'text',
      depth: 0,
    })
    expect(rows.find(row => row.field === 'items')).toMatchObject({ place: '319', width: 2, form: 'count' })
    expect(rows.at(-1)).toMatchObject({ place: String(headWidth + 117), field: 'amount', depth: 1 })
    expect(reply.describe().find(row => row.field === 'bankSerial')).toMatchObject({ required: false })
  })
  it('omits what the bank does not carry', () => {
    const rows = record(inquiryRequest, 'gbk', 46, [
      ['officeCode', left(12)],
      ['entrustDate', ymd],
      ['serialNo', left(8)],
      ['ticketNo', left(18)],
      omit('workDate'),
    ])
    expect(rows.describe().map(row => row.field)).not.toContain('workDate')
  })
})

describe('files of records', () => {
  const many = Array.from({ length: 200 }, (_, i) => ({ ...answer, serialNo: String(i).padStart(8, '0'), amount: i, bankSerial: `S${i}` }))
  const file = Buffer.concat(many.map(value => reply.encode(value)))

  it('are read one record after the other, beyond one batch', () => {
    const read: unknown[] = []
    reply.decodeMany(file, (value, index) => {
      expect(index).toBe(read.length)
      read.push(value)
    })
    expect(read).toStrictEqual(many)
    reply.decodeMany(new Uint8Array(), () => expect.unreachable())
  })
  it('may be read within the reading of another', () => {
    const read: unknown[] = []
    reply.decodeMany(file.subarray(0, 157 * 3), value => {
      reply.decodeMany(file.subarray(157 * 50, 157 * 60), () => reply.decode(wire))
      read.push(value)
    })
    expect(read).toStrictEqual(many.slice(0, 3))
  })
  it('have faults with the record’s line and the offset within the record', () => {
    const seen: number[] = []
    const bytes = patched(file, 157 * 120 + 114, 'x')
    const found = faultOf(() => reply.decodeMany(bytes, (_, index) => seen.push(index)))
    expect(found).toMatchObject({ fault: 'not-a-number', at: { message: 'debit.result', field: 'amount', offset: 114, line: 121 } })
    expect(seen.length).toBe(120)
  })
  it('must be whole records', () => {
    expect(faultOf(() => reply.decodeMany(file.subarray(1), () => undefined)).fault).toBe('wrong-length')
    expect(faultOf(() => request.decodeMany(Buffer.alloc(0), () => undefined)).fault).toBe('bad-declaration')
  })
  it('are written as they are read', () => {
    expect(Buffer.from(reply.encodeMany(many)).equals(file)).toBe(true)
    expect(reply.encodeMany([]).length).toBe(0)
    const wrong = many.map((value, i) => (i === 150 ? { ...value, bankSerial: 'a b' } : value))
    expect(faultOf(() => reply.encodeMany(wrong))).toMatchObject({
      fault: 'bad-value',
      at: { field: 'bankSerial', offset: 129, line: 151 },
    })
    expect(faultOf(() => reply.encodeMany([answer, null as never]))).toMatchObject({ fault: 'bad-value', at: { line: 2 } })
    expect(faultOf(() => request.encodeMany([instruction])).fault).toBe('bad-declaration')
  })
  it('do not swallow what the reader throws', () => {
    expect(() =>
      reply.decodeMany(file, () => {
        throw new RangeError('mine')
      }),
    ).toThrow('mine')
  })
})
