import type { Column } from '@taxlink/bank-sdk'
import { describe, expect, test } from 'vitest'
import { detailFiles, headerOf, inPieces, lineAt, linesOf, readAll, written } from './file-kit.ts'

describe.each(detailFiles)('the detail file of %s', (_, file) => {
  test('is read as it was written, however its bytes come', async () => {
    const lines = linesOf(137)
    const bytes = await written(file, lines)
    for (const size of [1, 7, 1_000, bytes.length]) {
      const { header, lines: found, trailer, places } = await readAll(file, bytes, size)
      expect(header).toEqual(headerOf(lines))
      expect(found).toEqual(lines)
      expect(trailer).toEqual({ count: 137, debitSum: header.fileDebitSum, creditSum: header.fileCreditSum })
      expect(places.map(([line]) => line)).toEqual(lines.map((_line, i) => i + 2))
      const end = file.lineEnd === 'crlf' ? 2 : 1
      for (const [i, [, offset]] of places.entries()) {
        const own = file.line.encode(lines[i]!)
        expect(bytes.subarray(offset, offset + own.length).equals(own)).toBe(true)
        expect(bytes.subarray(offset - end, offset).toString()).toBe(end === 2 ? '\r\n' : '\n')
      }
    }
  })

  test('without a record is a file', async () => {
    const { header, lines, trailer } = await readAll(file, await written(file, []))
    expect([header.fileCount, lines, trailer]).toEqual([0, [], { count: 0, debitSum: 0, creditSum: 0 }])
  })

  test('has columns that say what its lines say', async () => {
    const lines = linesOf(40)
    const reading = await file.read(inPieces(await written(file, lines), 9_999), { rows: 16 })
    const verbs = ['debit', 'supplementaryDebit', 'reversal', 'adjustment']
    let at = 0
    for await (const batch of reading.batches()) {
      expect(batch.count).toBeLessThanOrEqual(16)
      const of = (name: string): Column => batch.columns[name]!
      for (let i = 0; i < batch.count; i++, at++) {
        const line = lines[at]!
        const texts = ['officeCode', 'serialNo', 'ticketNo', 'account', 'bankSerial'] as const
        for (const name of texts) expect(batch.text(of(name), i), name).toBe(line[name])
        expect(batch.text(of('originalSerialNo'), i)).toBe(line.originalSerialNo ?? '')
        expect(of('amount').values[i]).toBe(line.amount)
        expect(verbs[of('verb').values[i]!]).toBe(line.verb)
        expect(of('status').values[i]).toBe(0)
        expect(of('coreStatus').values[i]).toBe(-1)
        expect(of('accountingDate').values[i]).toBe(20261110)
        expect(of('originalEntrustDate').values[i]).toBe(line.originalEntrustDate ? 20261110 : -1)
        expect(batch.bytes(i).equals(file.line.encode(line))).toBe(true)
      }
    }
    expect(at).toBe(40)
  })

  test('gives the lines that are wanted alone, however its bytes come', async () => {
    const lines = linesOf(137)
    const bytes = await written(file, lines)
    for (const size of [7, 1_000, bytes.length]) {
      const reading = await file.read(inPieces(bytes, size), { rows: 8 })
      const found: unknown[] = []
      for await (const batch of reading.some(no => no % 5 === 2 || no === 138))
        for (let i = 0; i < batch.count; i++) {
          expect(batch.line(i)).toEqual(lines[batch.lineNo(i) - 2])
          found.push(batch.lineNo(i))
        }
      expect(found).toEqual([...Array.from({ length: 28 }, (_, i) => i * 5 + 2), 138])
      expect(reading.lines()).toBe(139)
      expect(() => reading.trailer()).toThrow('has not been read')
    }
  })

  test('gives every line where all are wanted; the trailer is none', async () => {
    const reading = await file.read([await written(file, linesOf(20))], { rows: 8 })
    const found: number[] = []
    for await (const batch of reading.some(() => true)) for (let i = 0; i < batch.count; i++) found.push(batch.lineNo(i))
    expect(found).toEqual(Array.from({ length: 20 }, (_, i) => i + 2))
  })

  test('in parts tells the whole in each', async () => {
    const lines = linesOf(30)
    const whole = headerOf(lines, { chunks: 2 })
    for (const chunk of [1, 2]) {
      const own = lines.slice((chunk - 1) * 15, chunk * 15)
      const { header, trailer } = await readAll(file, await written(file, own, { ...whole, chunk }))
      expect([header.chunk, header.fileCount, trailer.count]).toEqual([chunk, 30, 15])
    }
  })

  test('is called after its header, and nothing else is', () => {
    const header = headerOf([], { session: 3, chunk: 12, chunks: 12 })
    const name = file.nameOf(header)
    expect(name).toMatch(/20261110/)
    expect(file.readName(name)).toEqual({ bankCode: '4301', accountingDate: '2026-11-10', session: 3, chunk: 12 })
    for (const other of [
      `../${name}`,
      `${name}.gz`,
      ` ${name}`,
      `${name}\n`,
      name.replace('20261110', '20261131'),
      name.toLowerCase() === name ? name.toUpperCase() : name.toLowerCase(),
      '',
    ])
      expect(file.readName(other)).toBeUndefined()
  })

  test('is refused by its writer where header and lines say different things', async () => {
    await expect(written(file, linesOf(3), headerOf(linesOf(4)))).rejects.toMatchObject({
      fault: 'file-totals',
      at: { field: 'fileCount' },
    })
    const off = headerOf(linesOf(3))
    await expect(written(file, linesOf(3), { ...off, fileDebitSum: off.fileDebitSum + 1 })).rejects.toMatchObject({
      fault: 'file-totals',
      at: { field: 'fileDebitSum', line: 5 },
    })
    await expect(written(file, [lineAt(0), { ...lineAt(1), account: 'with blank' }], headerOf(linesOf(2)))).rejects.toMatchObject({
      fault: 'bad-value',
      at: { message: 'detail.line', field: 'account', line: 3 },
    })
  })
})

test('a file of 200,000 lines takes the memory of a window of it', async () => {
  const [, file] = detailFiles[0]!
  const line = { ...lineAt(0), amount: 1 }
  const block = Buffer.concat(Array.from({ length: 1_000 }, () => Buffer.concat([file.line.encode(line), Buffer.from('\r\n')])))
  const whole = { ...headerOf([line]), fileCount: 200_000, fileDebitSum: 200_000 }
  const chunks = function* () {
    yield Buffer.concat([file.header.encode(whole), Buffer.from('\r\n')])
    for (let i = 0; i < 200; i++) yield block
    yield Buffer.concat([file.trailer.encode({ count: 200_000, debitSum: 200_000, creditSum: 0 }), Buffer.from('\r\n')])
  }
  const reading = await file.read(chunks())
  let [count, most] = [0, 0]
  const before = process.memoryUsage().arrayBuffers
  for await (const batch of reading.batches()) {
    count += batch.count
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  expect([count, reading.trailer().count]).toEqual([200_000, 200_000])
  // The file has 44 MB.
  expect(most).toBeLessThan(4_000_000)
})
