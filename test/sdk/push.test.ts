import { after, hangUp, noAnswer, openPush, outcome, type PushHandlers, type RequestOf, servePushes } from '@taxlink/bank-sdk'
import { describe, expect, onTestFinished, test } from 'vitest'
import { bankOf } from '#adapters'

// A bank's end of the line by which it tells the gateway, against the gateway's end, each as the SDK gives it to a bank's programmer.

const told = (bankCode: string, serialNo: string): RequestOf<'bindingResult'> => ({
  officeCode: '14301020000',
  entrustDate: '2026-11-10',
  serialNo,
  agreementNo: `XY-${serialNo}`,
  result: { class: 'succeeded', code: '90000', bankCode: bankCode === '4306' ? 'AAAAAA' : '0000' },
})

describe.each(['4301', '4306'])('bank %s tells', code => {
  const bank = bankOf(code)!
  const opened = async (bindingResult: NonNullable<PushHandlers['bindingResult']>) => {
    const gateway = await servePushes(bank, { ...silent, bindingResult }, { onFault: () => {} })
    const line = openPush(bank, gateway.url)
    onTestFinished(async () => {
      await line.close()
      await gateway.close(0)
    })
    return line
  }
  const silent = Object.fromEntries(
    ['bindingResult', 'bindingNotice', 'adjustmentReceipt', 'remitConfirmation', 'treasuryReceipt', 'voucherPrinted'].map(push => [
      push,
      () => noAnswer,
    ]),
  ) as PushHandlers

  test('each receipt finds its own telling, in whatever order they come', async () => {
    const line = await opened(({ serialNo }) =>
      after(serialNo === '70000001' ? 60 : 1, { result: outcome(serialNo === '70000001' ? '24009' : '90000') }),
    )
    const receipts = await Promise.all(
      ['70000001', '70000002', '70000003'].map(serialNo => line.tell('bindingResult', told(code, serialNo), 5_000)),
    )
    expect(receipts.map(({ serialNo, agreementNo, result }) => [serialNo, agreementNo, result.code])).toEqual([
      ['70000001', 'XY-70000001', '24009'],
      ['70000002', 'XY-70000002', '90000'],
      ['70000003', 'XY-70000003', '90000'],
    ])
  })
  test('without a receipt nothing is certain, and the same told again gets one', async () => {
    let times = 0
    const line = await opened(() => {
      times++
      return times === 1 ? noAnswer : times === 2 ? hangUp : { result: outcome('90000') }
    })
    const tell = () => line.tell('bindingResult', told(code, '70000009'), 300)
    await expect(tell()).rejects.toMatchObject({ fault: 'timeout', delivered: 'maybe' })
    await expect(tell()).rejects.toMatchObject({ delivered: 'maybe' })
    expect((await line.tell('bindingResult', told(code, '70000009'), 5_000)).result.code).toBe('90000')
    expect(times).toBe(3)
  })
  test('what its layout cannot hold, and what it does not declare, never leaves', async () => {
    const line = await opened(() => ({ result: outcome('90000') }))
    const long = { ...told(code, '70000010'), taxpayerName: '长'.repeat(101) }
    await expect(line.tell('bindingResult', long, 5_000)).rejects.toMatchObject({ name: 'Fault' })
    const { push: _, ...deaf } = bank
    expect(() => openPush(deaf as typeof bank, 'tcp://127.0.0.1:1')).toThrow(expect.objectContaining({ fault: 'bad-declaration' }))
  })
})
