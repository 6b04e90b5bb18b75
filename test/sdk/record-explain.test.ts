import { describe, expect, it } from 'vitest'
import { answer, headWidth, instruction, itemWidth, reply, request } from './record-layouts.ts'

const wire = Buffer.from(request.encode(instruction))
const patched = (at: number, over: string | number[]): Buffer => {
  const copy = Buffer.from(wire)
  Buffer.from(typeof over === 'string' ? Buffer.from(over, 'latin1') : over).copy(copy, at)
  return copy
}
const byField = (bytes: Uint8Array) => new Map(request.explain(bytes).map(row => [row.field, row]))
/** All that a table shows, as one text. */
const shown = (bytes: Uint8Array) => JSON.stringify(request.explain(bytes))

describe('a record explained', () => {
  it('shows each place with its bytes and what they say', () => {
    const rows = reply.explain(reply.encode(answer))
    expect(rows.map(({ offset, width, field, text }) => [offset, width, field, text])).toStrictEqual([
      [0, 4, '', 'KK51'],
      [4, 12, 'officeCode', '14300000000'],
      [16, 8, 'entrustDate', '2026-09-10'],
      [24, 8, 'serialNo', '00000001'],
      [32, 18, 'ticketNo', '343260910000000001'],
      [50, 4, 'result', '1051 → 24003 余额不足'],
      [54, 60, 'result.bankText', '余额不足'],
      [114, 15, 'amount', '0'],
      [129, 20, 'bankSerial', 'HX20260910'],
      [149, 8, 'accountingDate', '2026-09-10'],
    ])
    expect(rows[0]).toMatchObject({ zh: '固定内容', en: 'fixed text', hex: '4b4b3531' })
    expect(rows[5]).toMatchObject({ zh: '处理结果', en: 'result', hex: '31303531' })
    expect(rows.every(row => row.fault === undefined)).toBe(true)
  })

  it('numbers the elements of a group', () => {
    const rows = byField(wire)
    expect(rows.get('items')).toMatchObject({ offset: headWidth - 2, width: 2, text: '2' })
    expect(rows.get('items.1.taxName')).toMatchObject({ offset: headWidth + itemWidth + 10, text: '城市维护建设税' })
  })

  it('masks what is private, and its bytes', () => {
    const rows = byField(wire)
    expect(rows.get('account')).toMatchObject({ text: '622202****3456', hex: '··'.repeat(32) })
    expect(rows.get('taxpayerName')).toMatchObject({ text: '长******', hex: '··'.repeat(60) })
    expect(rows.get('taxpayerId')).toMatchObject({ text: '914301****5R' })
    for (const secret of [instruction.account, instruction.taxpayerName, instruction.taxpayerId]) {
      expect(shown(wire)).not.toContain(secret)
      expect(shown(wire)).not.toContain(Buffer.from(secret).toString('hex'))
    }
  })

  it('says of each broken field what is wrong, and shows the others', () => {
    const rows = byField(patched(298, '00000000012345X'))
    expect(rows.get('amount')?.fault).toMatch(/T1005/)
    expect(rows.get('amount')?.text).toBe('')
    expect(rows.get('amount')?.hex).toBe(Buffer.from('00000000012345X').toString('hex'))
    expect(rows.get('clearingNo')?.text).toBe(instruction.clearingNo)
    expect(rows.get('remittanceAccount')?.text).toBe('201019****0009')
    expect(rows.get('items.1.amount')?.text).toBe('456')
    expect([...rows.values()].filter(row => row.fault).length).toBe(1)
    expect(request.explain(patched(0, 'KK02'))[0]).toMatchObject({ text: '', fault: expect.stringMatching(/T1007.*"KK01" expected/) })
  })

  it('hides what may be shifted when a private field is broken', () => {
    const bytes = patched(79, [0xff])
    const rows = byField(bytes)
    expect(rows.get('taxpayerName')).toMatchObject({ text: '', hex: '··'.repeat(60), fault: expect.stringMatching(/T1003/) })
    expect(rows.get('payerBankNo')).toMatchObject({ text: '********', hex: '··'.repeat(12) })
    expect(rows.get('ticketNo')?.text).toBe(instruction.ticketNo)
  })

  it('shows no digit of an account that slid into its neighbour', () => {
    // One byte too many in the name: all that follows stands one byte further.
    const slid = Buffer.concat([wire.subarray(0, 139), Buffer.from(' '), wire.subarray(139)])
    expect(shown(slid)).not.toMatch(/123456|6222|3456/)
    expect(request.explain(slid).at(-1)).toMatchObject({
      en: 'superfluous bytes',
      width: 1,
      offset: wire.length,
      hex: '',
      fault: expect.stringMatching(/T1004/),
    })
  })

  it('says where a record ends that is cut', () => {
    const rows = request.explain(wire.subarray(0, 120))
    expect(rows.at(-1)).toMatchObject({ zh: '缺少的字节', offset: 120, fault: expect.stringMatching(/120 bytes, the layout has/) })
    expect(rows.at(-2)).toMatchObject({ field: 'taxpayerName', offset: 79, width: 41, fault: expect.stringMatching(/41 of 60 bytes/) })
    expect(request.explain(Buffer.alloc(0)).length).toBe(1)
  })

  it('survives a count that is wrong', () => {
    for (const count of ['03', '11', '00', 'xx']) {
      const rows = request.explain(patched(headWidth - 2, count))
      const found = rows.find(row => row.field === 'items')
      if (count !== '03') expect(found?.fault).toBeDefined()
      expect(rows.some(row => row.field === 'items.1.amount')).toBe(true)
    }
  })

  it('never throws, and never shows a name, whatever the bytes', () => {
    for (let at = 0; at < wire.length; at += 7) {
      for (const byte of [0, 0x20, 0x39, 0x80, 0xff]) expect(shown(patched(at, [byte]))).not.toContain('芙蓉区')
      expect(shown(wire.subarray(0, at))).not.toContain('芙蓉区')
    }
  })
})
