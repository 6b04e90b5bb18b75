import {
  asIs,
  type CharsetName,
  charset,
  codes,
  constant,
  debitRequest,
  debitResult,
  document,
  elements,
  Fault,
  left,
  message,
  number,
  omit,
  right,
  text,
  unified,
  words,
  ymd,
  yuan,
} from '@taxlink/bank-sdk'
import { describe, expect, it } from 'vitest'
import { answer, answerText, debit, debitText, reply, request, requestIn } from './document-layouts.ts'

const gbk = charset('gbk')
const bytes = (xml: string) => gbk.encode(xml)
const faultOf = (work: () => unknown): Fault => {
  try {
    work()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('no fault')
}
/** The fault of reading, as `name field @byte`. */
const refusal = (codec: { decode(bytes: Uint8Array): unknown }, xml: string | Uint8Array): string => {
  const { fault, at } = faultOf(() => codec.decode(typeof xml === 'string' ? bytes(xml) : xml))
  expect(at.message).toMatch(/^debit\.(request|result)$/)
  return `${fault} ${at.field ?? '-'} @${at.offset ?? '-'}`
}
const byteOf = (xml: string, part: string): number => gbk.byteLength(xml.slice(0, xml.indexOf(part)))

describe('writing', () => {
  it('writes the bytes of the bank’s page', () => {
    expect(gbk.decode(request.encode(debit))).toBe(debitText)
    expect(gbk.decode(reply.encode(answer))).toBe(answerText)
  })

  it('says where a character has no code, and not which one', () => {
    const fault = faultOf(() => request.encode({ ...debit, taxpayerName: '张𠮷' }))
    expect(fault.at.offset).toBe(byteOf(debitText, '长'))
    expect(fault.message).toContain('character 2 has no code in gbk')
    expect(fault.message).not.toMatch(/𠮷|20BB7/)
    const second = faultOf(() => request.encode({ ...debit, items: debit.items.map(item => ({ ...item, taxName: '𠮷' })) }))
    expect(second.at).toMatchObject({ field: 'items.0.taxName', offset: byteOf(debitText, '增值税') })
  })

  it('names the charset in the declaration', () => {
    const labels = { 'utf-8': 'UTF-8', gb2312: 'GB2312', gbk: 'GBK', gb18030: 'GB18030' } as const
    for (const [name, label] of Object.entries(labels) as [CharsetName, string][]) {
      const xml = requestIn(name).encode({ ...debit, taxpayerName: '张三' })
      expect(Buffer.from(xml).toString('latin1', 0, 60)).toContain(`<?xml version="1.0" encoding="${label}"?><TAX>`)
      expect(requestIn(name).decode(xml)).toEqual({ ...debit, taxpayerName: '张三' })
    }
  })

  it('writes an absent optional field as an empty element, and reads it as absent', () => {
    const {
      bankSerial: _,
      accountingDate: __,
      ...short
    } = { ...answer, result: { class: 'refused', code: '24003', bankCode: 'E10051' } as const }
    const xml = reply.encode(short)
    expect(gbk.decode(xml)).toContain('<RET>E10051</RET><RETMSG/></HEAD>')
    expect(gbk.decode(xml)).toContain('<YHLSH/><KJRQ/></BODY>')
    expect(reply.decode(xml)).toEqual(short)
  })

  it('names the field whose value cannot be written', () => {
    const place = (value: Partial<typeof debit>) => {
      const { fault, at } = faultOf(() => request.encode({ ...debit, ...value }))
      return `${fault} ${at.message} ${at.field}`
    }
    const [first, second] = debit.items as [(typeof debit.items)[0], (typeof debit.items)[0]]
    expect(place({ taxpayerName: '𠮷田' })).toBe('not-in-charset debit.request taxpayerName')
    expect(place({ items: [first, { ...second, taxName: '㛃' }] })).toBe('not-in-charset debit.request items.1.taxName')
    expect(place({ evil: 1 } as object)).toBe('unexpected debit.request undefined')
    expect(place({ items: [first, { ...second, evil: 1 } as typeof second] })).toBe('unexpected debit.request items.1')
    expect(place({ account: '6222 0219' })).toBe('bad-value debit.request account')
    expect(place({ items: [first, { ...second, amount: 0 }] })).toBe('bad-value debit.request items.1.amount')
    expect(place({ items: [first, { ...second, amount: 7 }] })).toBe('sum-mismatch debit.request items')
    expect(place({ items: [] })).toBe('missing debit.request items')
    expect(place({ items: Array.from({ length: 21 }, () => first) })).toBe('over-limit debit.request items')
    expect(place({ workDate: '2026-02-30' })).toBe('not-a-date debit.request workDate')
    const unlisted = faultOf(() => reply.encode({ ...answer, result: { class: 'refused', code: '24005', bankCode: 'X' } }))
    expect([unlisted.fault, unlisted.at.field]).toEqual(['unlisted-code', 'result'])
    const nothing = faultOf(() => request.encode({ ...debit, ticketNo: undefined as unknown as string }))
    expect([nothing.fault, nothing.at.field]).toEqual(['missing', 'ticketNo'])
  })

  it('takes a declared width as the most bytes of a text', () => {
    const narrow = document(message('m', '甲', 'a', { name: text('名称', 'name', 20) }), 'gbk', [['name', 'A/B', left(6)]])
    expect(gbk.decode(narrow.encode({ name: '张三丰' }))).toContain('<B>张三丰</B>')
    expect(faultOf(() => narrow.encode({ name: '张三丰丰' })).fault).toBe('too-long')
    expect(faultOf(() => narrow.decode(bytes('<A><B>张三丰x</B></A>'))).fault).toBe('too-long')
  })
})

describe('reading', () => {
  it('reads what it wrote', () => {
    expect(request.decode(bytes(debitText))).toEqual(debit)
    expect(reply.decode(bytes(answerText))).toEqual(answer)
    expect(Object.keys(request.decode(bytes(debitText)))).toEqual(Object.keys(debitRequest.fields))
  })

  const variant = (change: (xml: string) => string) => expect(request.decode(bytes(change(debitText)))).toEqual(debit)
  it('does not care for white space between elements, padding of values and the order of elements', () => {
    variant(xml => xml.replaceAll('><', '>\r\n  <'))
    variant(xml => xml.replace('<SPHM>343010926000000017</SPHM>', '<SPHM>\n  343010926000000017  \t</SPHM>'))
    variant(xml => xml.replace('"00000017"', '" 00000017 "'))
    variant(xml => xml.replace('<SPHM>343010926000000017</SPHM>', '').replace('<JE>', '<SPHM>343010926000000017</SPHM><JE>'))
    variant(xml => xml.replace(/<HEAD .*<\/HEAD>/, '').replace('</BODY>', `</BODY>${/<HEAD .*<\/HEAD>/.exec(debitText)![0]}`))
  })
  it('takes the other spellings of the same XML', () => {
    variant(xml => xml.replace('VER="1.2" LSH="00000017"', "LSH = '00000017'\n VER='1.2' "))
    variant(xml => xml.replace('<?xml version="1.0" encoding="GBK"?>', `<?xml version='1.0' encoding = 'gbk' standalone='yes' ?>\n`))
    variant(xml => xml.replace('<?xml version="1.0" encoding="GBK"?>', ''))
    variant(xml => xml.replace('<?xml version="1.0" encoding="GBK"?>', '<?xml version="1.0"?>'))
    variant(xml => xml.replace(/<NSRMC>.*<\/NSRMC>/, '<NSRMC><![CDATA[长沙市倈億&<珅>贸易部]]></NSRMC>'))
    variant(xml => xml.replace('倈億&amp;', '&#x5008;&#20740;&#38;'))
    variant(xml => xml.replace('<BODY>', '<!-- 报文体 --><BODY>').replace('</TAX>', '</TAX>\n<!-- end -->\n'))
    variant(xml => xml.replaceAll('/>', '></SSQ>'))
    variant(xml => xml.replace('</SPHM>', '</SPHM  >').replace('<SPHM>', '<SPHM\n>'))
  })
  it('keeps what only looks like padding', () => {
    expect(refusal(request, debitText.replace('贸易部', '贸易部\u3000'))).toBe(`bad-value taxpayerName @${byteOf(debitText, '长沙市')}`)
  })

  it('counts GB2312, GBK and GB18030 as one family of labels over bytes of the agreed charset', () => {
    for (const label of ['GB2312', 'gbk', 'Gb18030']) variant(xml => xml.replace('"GBK"', `"${label}"`))
    for (const label of ['UTF-8', 'utf8', 'ISO-8859-1', 'UTF-16', 'GBK2', 'x-gbk', 'Big5', 'US-ASCII']) {
      expect(refusal(request, debitText.replace('"GBK"', `"${label}"`))).toBe('wrong-constant encoding @0')
    }
    const utf8 = requestIn('utf-8')
    const xml = debitText.replace('"GBK"', '"utf-8"')
    expect(utf8.decode(Buffer.from(xml))).toEqual(debit)
    expect(faultOf(() => utf8.decode(Buffer.from(debitText))).fault).toBe('wrong-constant')
  })

  it('names the place of what is missing, twice there, unexpected or wrong', () => {
    const at = (part: string) => byteOf(debitText, part)
    const changed = (from: string, to: string) => refusal(request, debitText.replace(from, to))
    expect(changed('<SPHM>343010926000000017</SPHM>', '')).toBe('missing ticketNo @-')
    expect(changed('<SPHM>343010926000000017</SPHM>', '<SPHM/>')).toBe(`missing ticketNo @${at('<SPHM>') + 7}`)
    expect(changed('>343010926000000017<', '>  <')).toBe(`missing ticketNo @${at('343010926')}`)
    expect(changed('<SPHM>', '<SPHM>1</SPHM><SPHM>')).toBe(`duplicate ticketNo @${at('<SPHM>') + 14}`)
    expect(changed('<BODY>', '<BODY></BODY><BODY>')).toBe(`duplicate TAX/BODY @${at('<BODY>') + 13}`)
    expect(changed(' LSH=', ' VER="1.2" LSH=')).toBe(`duplicate TAX/HEAD/@VER @${at(' LSH') + 6}`)
    expect(changed('<SPHM>', '<XX>1</XX><SPHM>')).toBe(`unexpected TAX/BODY @${at('<SPHM>')}`)
    expect(changed('<SPHM>', '<SPHM a="1">')).toBe(`unexpected ticketNo @${at('<SPHM>') + 8}`)
    expect(changed('<SPHM>', '<SPHM xmlns="urn:x">')).toBe(`unexpected ticketNo @${at('<SPHM>') + 12}`)
    expect(changed('<SPHM>3', '<SPHM><B/>3')).toBe(`unexpected ticketNo @${at('<SPHM>') + 6}`)
    expect(changed('<SPHM>', 'NotCare<SPHM>')).toBe(`unexpected TAX/BODY @${at('<SPHM>')}`)
    expect(changed('<MX DM="10101">', '<MX DM="10101" X="1">')).toBe(`unexpected TAX/BODY/MXS/MX @${at('<MX DM="10101">') + 17}`)
    expect(changed('1234.56', '1234.5')).toBe(`not-a-number amount @${at('1234.56')}`)
    expect(changed('1234.50', '1234.5O')).toBe(`not-a-number items.0.amount @${at('1234.50')}`)
    expect(changed('0.06', '0.07')).toBe('sum-mismatch items @-')
    expect(changed('<TRAN_CODE>3001', '<TRAN_CODE>3002')).toBe(`wrong-constant TAX/HEAD/TRAN_CODE @${at('3001')}`)
    expect(changed('<TRAN_CODE>3001</TRAN_CODE>', '')).toBe('missing TAX/HEAD/TRAN_CODE @-')
    expect(changed('DH', 'XX')).toBe(`unlisted-code channel @${at('DH<')}`)
    expect(changed('20260910</GZRQ>', '20260931</GZRQ>')).toBe(`not-a-date workDate @${at('20260910</GZRQ>')}`)
    expect(changed('91430100MA4L2XYZ0A', '91430100 MA4L2XYZ0A')).toBe(`bad-value taxpayerId @${at('91430100MA')}`)
    expect(refusal(request, debitText.replace(/<MXS>.*<\/MXS>/, '<MXS></MXS>'))).toBe('missing items @-')
    expect(refusal(request, debitText.replaceAll('TAX>', 'TAXX>'))).toBe('unexpected - @36')
    // a private use character is nothing that GBK can carry, so that it arrives as a reference
    expect(changed('贸易部', '&#xE000;')).toBe(`forbidden - @${at('贸易部')}`)
  })

  it('counts bytes, not characters, behind Chinese text', () => {
    const at = byteOf(debitText, '<XYSH>')
    expect(at).toBeGreaterThan(debitText.indexOf('<XYSH>') + 8)
    expect(refusal(request, debitText.replace('<XYSH>', '<YY>'))).toBe(`unexpected TAX/BODY @${at}`)
    const broken = bytes(debitText)
    broken[byteOf(debitText, '贸易部')] = 0xff
    expect(refusal(request, broken)).toBe(`invalid-bytes taxpayerName @${byteOf(debitText, '贸易部')}`)
  })

  it('shows no name of the peer that might be private', () => {
    const { message: said } = faultOf(() => request.decode(bytes(debitText.replace('<SPHM>', '<A6222021901000000017/><SPHM>'))))
    expect(said).not.toContain('622202')
    const close = faultOf(() => request.decode(bytes(debitText.replace('</SPHM>', '</A6222021901000000017>'))))
    expect(close.fault).toBe('malformed')
    expect(close.message).not.toContain('622202')
    expect(faultOf(() => request.decode(bytes(debitText.replace('<SPHM>', '<SPHN/><SPHM>')))).message).toContain('TAX/BODY/SPHN')
  })

  it('takes an unlisted result for unknown, never for a fault', () => {
    const result = (code: string) => reply.decode(bytes(answerText.replace('>AAAAAA<', `>${code}<`))).result
    const unknown = { class: 'unknown', code: '99090', bankText: '扣款成功' }
    expect(result('E99999')).toEqual({ ...unknown, bankCode: 'E99999' })
    expect(result('90000')).toEqual({ ...unknown, bankCode: '90000' })
    expect(result('aaaaaa')).toEqual({ ...unknown, bankCode: 'aaaaaa' })
    expect(result('')).toEqual({ ...unknown, bankCode: '?' })
    expect(result('constructor')).toEqual({ ...unknown, bankCode: 'constructor' })
    expect(result('主机忙')).toEqual({ ...unknown, bankCode: '?' })
    expect(result('A B')).toEqual({ ...unknown, bankCode: '?' })
    expect(result('X'.repeat(21))).toEqual({ ...unknown, bankCode: '?' })
    expect(refusal(reply, answerText.replace('<RET>AAAAAA</RET>', ''))).toBe('missing result @-')
  })
  it('keeps the bank’s text up to its 60 characters, and refuses more', () => {
    const said = '主机返回:'.padEnd(60, '错')
    expect(reply.decode(bytes(answerText.replace('扣款成功', said))).result.bankText).toBe(said)
    expect(refusal(reply, answerText.replace('扣款成功', `${said}!`))).toBe(`too-long result.bankText @${byteOf(answerText, '扣款成功')}`)
    expect(reply.decode(bytes(answerText.replace('扣款成功', ''))).result).not.toHaveProperty('bankText')
  })

  it('leaves out what the bank does not carry', () => {
    const { amount: _, ...fields } = debitResult.fields
    const short = document(message('m', '甲', 'a', fields), 'gbk', [
      ['officeCode', 'R/A', asIs],
      ['entrustDate', 'R/B', ymd],
      ['serialNo', 'R/C', asIs],
      ['result', 'R/D', unified],
      omit('ticketNo', 'bankSerial', 'accountingDate'),
    ])
    const { amount: __, ...value } = answer
    expect(short.decode(short.encode(value))).toEqual({
      officeCode: answer.officeCode,
      entrustDate: answer.entrustDate,
      serialNo: answer.serialNo,
      result: { class: 'succeeded', code: '90000', bankCode: '90000' },
    })
  })
})

describe('recognising', () => {
  it('goes by the root and the constants at their paths, even in a broken message', () => {
    expect(request.matches(bytes(debitText))).toBe(true)
    expect(reply.matches(bytes(answerText))).toBe(true)
    expect(request.matches(bytes(answerText))).toBe(false)
    expect(request.matches(bytes(debitText.replace('3001', ' 3001\n').replace('"1.2"', "'1.2'")))).toBe(true)
    expect(request.matches(bytes(debitText.slice(0, 150)))).toBe(true)
    expect(request.matches(bytes(debitText.replace('<SPHM>', '<XX>')))).toBe(true)
    const half = bytes(debitText)
    half[byteOf(debitText, '贸易部')] = 0xff
    expect(request.matches(half)).toBe(true)
  })
  it('is not misled by the same text in another place', () => {
    expect(request.matches(bytes(debitText.replace('3001', '3002').replace('贸易部', '<TRAN_CODE>3001</TRAN_CODE>')))).toBe(false)
    expect(request.matches(bytes(debitText.replace('>3001<', '><!--3001--><')))).toBe(false)
    expect(request.matches(bytes(debitText.replaceAll('TAX>', 'TAXX>')))).toBe(false)
    expect(request.matches(bytes(debitText.replace('"1.2"', '"1.3"')))).toBe(false)
  })
  it('never throws', () => {
    for (const junk of [[], [0], [0xff, 0xfe, 0x3c, 0], [0x3c], [...Buffer.from('<TAX')], [...Buffer.from('{"type":"debit.request"}')]]) {
      expect(request.matches(Uint8Array.from(junk))).toBe(false)
      expect(reply.matches(Uint8Array.from(junk))).toBe(false)
    }
    expect(request.matches(Buffer.from('<a>'.repeat(300_000)))).toBe(false)
    expect(request.matches(Buffer.from(`<TAX>${'<a>'.repeat(300_000)}`))).toBe(false)
  })
})

describe('explaining', () => {
  const find = (rows: readonly { field: string }[], field: string) => rows.find(row => row.field === field)

  it('shows each value with its bytes, private ones masked', () => {
    const rows = request.explain(bytes(debitText))
    expect(rows.map(row => row.offset)).toEqual(rows.map(row => row.offset).toSorted((a, b) => a - b))
    expect(find(rows, 'amount')).toEqual({
      offset: byteOf(debitText, '1234.56'),
      width: 7,
      field: 'amount',
      zh: '税款金额',
      en: 'amount in fen',
      text: '1234.56',
      hex: Buffer.from('1234.56').toString('hex'),
    })
    expect(find(rows, 'items.1.taxName')).toMatchObject({ text: '教育费附加', width: 10, offset: byteOf(debitText, '教育费附加') })
    expect(find(rows, 'items.1.taxCode')).toMatchObject({ text: '"9&', width: '&quot;9&amp;'.length })
    expect(find(rows, 'TAX/HEAD/@VER')).toMatchObject({ text: '1.2', width: 3 })
    expect(find(rows, 'account')).toMatchObject({ text: '622202****0017', hex: '', width: 19 })
    expect(find(rows, 'taxpayerName')).toMatchObject({ text: '长******', hex: '' })
    const all = JSON.stringify(rows)
    for (const secret of [debit.account, debit.taxpayerId, '倈億', Buffer.from(debit.account).toString('hex')])
      expect(all).not.toContain(secret)
    expect(rows.some(row => row.fault)).toBe(false)
    expect(find(reply.explain(bytes(answerText)), 'result.bankText')).toMatchObject({ text: '扣款成功', zh: '银行附言' })
  })

  it('shows what can be read of a broken document, and why no more', () => {
    const cut = request.explain(bytes(debitText.slice(0, debitText.indexOf('<XYSH>') + 8)))
    expect(find(cut, 'taxpayerName')).toMatchObject({ text: '长******' })
    expect(find(cut, 'account')).toBeUndefined()
    expect(cut.at(-1)).toMatchObject({ field: 'agreementNo', text: '', fault: expect.stringContaining('T1012') })

    const invalid = bytes(debitText)
    const at = byteOf(debitText, '增值税')
    invalid[at] = 0xff
    const before = request.explain(invalid)
    expect(find(before, 'amount')).toMatchObject({ text: '1234.56' })
    expect(before.filter(row => row.fault)).toMatchObject([{ offset: at, fault: expect.stringContaining('T1003') }])
  })

  it('puts the fault of a value into its row', () => {
    const wrong = debitText
      .replace('1234.56', '1,234.56')
      .replace('<SPHM>343010926000000017</SPHM>', '')
      .replace('20260910</GZRQ>', '20261310</GZRQ>')
    const rows = request.explain(bytes(wrong))
    expect(find(rows, 'amount')).toMatchObject({ fault: expect.stringContaining('T1005') })
    expect(find(rows, 'workDate')).toMatchObject({ fault: expect.stringContaining('T1006') })
    expect(find(rows, 'ticketNo')).toMatchObject({ width: 0, fault: expect.stringContaining('T1009') })
    expect(rows.filter(row => row.fault)).toHaveLength(3)
    const sum = request.explain(bytes(debitText.replace('0.06', '0.07')))
    expect(sum.filter(row => row.fault)).toMatchObject([{ field: 'items', fault: expect.stringContaining('T1016') }])
  })

  it('never throws', () => {
    for (const junk of [[], [0], [0xff, 0xfe], [...Buffer.from('<TAX')], [...Buffer.from('<TAX/>')], [...Buffer.from('<TAX/><TAX/>')]]) {
      expect(request.explain(Uint8Array.from(junk)).some(row => row.fault)).toBe(true)
    }
    expect(request.explain(Buffer.alloc(300_000, '<TAX>'))).toMatchObject([{ fault: expect.stringContaining('T1014') }])
  })

  it('describes itself for the bank’s page', () => {
    const rows = request.describe()
    expect(rows[0]).toEqual({
      place: 'TAX/HEAD/@VER',
      field: '1.2',
      zh: '固定内容',
      en: 'constant',
      form: 'constant',
      required: true,
      depth: 0,
    })
    expect(find(rows, 'items')).toMatchObject({ place: 'TAX/BODY/MXS/MX', form: 'elements 1–20', depth: 0 })
    expect(find(rows, 'taxCode')).toMatchObject({ place: 'TAX/BODY/MXS/MX/@DM', depth: 1 })
    expect(find(reply.describe(), 'bankSerial')).toMatchObject({ place: 'TAX/BODY/YHLSH', required: false })
    expect(find(reply.describe(), 'result')).toMatchObject({ form: 'codes', width: 6 })
  })
})

describe('a wrong declaration does not load', () => {
  const one = message('m', '甲', 'a', { a: text('甲', 'a', 9), b: text('乙', 'b', 9) })
  const refused = (rows: readonly unknown[], name: CharsetName = 'gbk') => {
    const fault = faultOf(() => document(one, name, rows as never))
    expect(fault.at.message).toBe('m')
    return `${fault.fault} ${fault.at.field}`
  }
  const b = ['b', 'R/B', asIs] as const

  it.each([
    ['a forgotten field', [b], 'a'],
    ['an unknown field', [['a', 'R/A', asIs], b, ['c', 'R/C', asIs]], 'c'],
    ['a field twice', [['a', 'R/A', asIs], b, ['a', 'R/C', asIs]], 'a'],
    ['a field omitted and placed', [['a', 'R/A', asIs], b, omit('a')], 'a'],
    ['a path twice', [['a', 'R/B', asIs], b], 'R/B'],
    ['an attribute twice', [['a', 'R/@A', asIs], b, constant('1', 'R/@A')], 'R/@A'],
    ['two roots', [['a', 'Q/A', asIs], b], 'R/B'],
    ['a value and a parent', [b, ['a', 'R/B/C', asIs]], 'R/B/C'],
    ['a parent and a value', [['a', 'R/B/C', asIs], b], 'R/B'],
    ['a root with a value', [['a', 'R', asIs], b], 'R'],
    ['an attribute of nothing', [['a', '@A', asIs], b], '@A'],
    ['an attribute in the middle', [['a', 'R/@A/B', asIs], b], 'R/@A/B'],
    ['an empty step', [['a', 'R//A', asIs], b], 'R//A'],
    ['no name of an element', [['a', 'R/1A', asIs], b], 'R/1A'],
    ['a namespace', [['a', 'R/x:A', asIs], b], 'R/x:A'],
    ['a name of XML', [['a', 'R/xmlA', asIs], b], 'R/xmlA'],
    ['xmlns', [['a', 'R/@xmlns', asIs], b], 'R/@xmlns'],
    ['__proto__', [['a', 'R/__proto__', asIs], b], 'R/__proto__'],
    ['17 levels', [['a', Array.from({ length: 17 }, () => 'A').join('/'), asIs]], Array.from({ length: 17 }, () => 'A').join('/')],
    ['a constant without path', [['a', 'R/A', asIs], b, constant('x')], 'x'],
    ['an empty constant', [['a', 'R/A', asIs], b, constant('', 'R/C')], 'R/C'],
    ['a padded constant', [['a', 'R/A', asIs], b, constant('x ', 'R/C')], 'R/C'],
    ['a control character', [['a', 'R/A', asIs], b, constant('x\ny', 'R/C')], 'R/C'],
    ['money in a text', [['a', 'R/A', yuan], b], 'a'],
    ['a result in a text', [['a', 'R/A', unified], b], 'a'],
    ['a bank text of nothing', [['a', 'R/A', asIs], b, ['a.bankText', 'R/C', asIs]], 'a.bankText'],
    ['repeated elements of a text', [elements('a', 'R/A/I', { max: 1 }, [['x', 'X', asIs]]), b], 'a'],
    ['no row', [['a', 'R/A', asIs], b, {}], ''],
  ])('%s', (_, rows, field) => expect(refused(rows)).toBe(`bad-declaration ${field}`))

  it('a constant outside the charset', () => {
    expect(faultOf(() => document(one, 'gb2312', [['a', 'R/A', asIs], b, constant('镕', 'R/C')])).fault).toBe('not-in-charset')
  })

  it('wrong repeated elements', () => {
    const { items } = debitRequest.fields
    const list = message('m', '甲', 'a', { items, amount: debitRequest.fields.amount })
    const inner = [
      ['taxCode', '@DM', asIs],
      ['taxName', 'MC', asIs],
      ['budgetSubject', 'YS', asIs],
      ['budgetLevel', 'JC', asIs],
      ['periodStart', 'Q', ymd],
      ['periodEnd', 'Z', ymd],
      ['amount', 'SE', yuan],
    ] as const
    const loaded = (...rows: unknown[]) => faultOf(() => document(list, 'gbk', [['amount', 'R/JE', yuan], ...rows] as never)).at.field
    expect(document(list, 'gbk', [['amount', 'R/JE', yuan], elements('items', 'R/MX', { max: 20 }, inner)]).describe()).toHaveLength(9)
    expect(loaded(elements('items', 'R/MX', { max: 21 }, inner))).toBe('items')
    expect(loaded(elements('items', 'R/MX', { max: 0 }, inner))).toBe('items')
    expect(loaded(elements('items', 'R', { max: 20 }, inner))).toBe('R')
    expect(loaded(elements('items', 'R/JE', { max: 20 }, inner))).toBe('R/JE')
    expect(loaded(elements('items', 'R/MX', { max: 20 }, inner), constant('1', 'R/MX/V'))).toBe('R/MX/V')
    expect(loaded(elements('items', 'R/MX', { max: 20 }, inner), constant('1', 'R/MX/@V'))).toBe('R/MX/@V')
    expect(loaded(elements('items', 'R/MX', { max: 20 }, inner.slice(1)))).toBe('R/MX/taxCode')
    expect(loaded(elements('items', 'R/MX', { max: 20 }, [omit('taxCode'), ...inner.slice(1)]))).toBe('R/MX')
    expect(loaded(['items', 'R/MX', asIs])).toBe('items')
    expect(faultOf(() => document(list, 'gbk', [['amount', 'R/JE', right(12)], elements('items', 'R/MX', { max: 20 }, inner)])).fault).toBe(
      'bad-declaration',
    )
  })

  it('cells of the wrong form', () => {
    const sum = message('m', '甲', 'a', { amount: debitRequest.fields.amount, channel: debitRequest.fields.channel })
    const channel = ['channel', 'R/C', words({ A: 'computer', B: 'phone' })] as const
    expect(document(sum, 'gbk', [['amount', 'R/A', number], channel]).decode(bytes('<R><A>12</A><C>B</C></R>'))).toEqual({
      amount: 12,
      channel: 'phone',
    })
    expect(faultOf(() => document(sum, 'gbk', [['amount', 'R/A', codes({ A: '90000' })], channel] as never)).fault).toBe('bad-declaration')
    expect(faultOf(() => document(sum, 'gbk', [['amount', 'R/A', asIs], channel] as never)).fault).toBe('bad-declaration')
  })
})
