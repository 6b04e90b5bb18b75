import { type CharsetName, charset, Fault, type FileCodec } from '@taxlink/bank-sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LineScanner } from '../../sdk/columns.ts'
import { type Detail, detailFiles, headerOf, lineAt, linesOf, readAll, refusal, written } from './file-kit.ts'

// Files that a bank must not send: each is refused whole, with what is wrong, the line, the byte and the field.

/** The lines of a file, each with its end. */
const cut = (bytes: Buffer): Buffer[] => {
  const lines: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at) + 1
    lines.push(bytes.subarray(at, end))
    at = end
  }
  return lines
}
const verbs = ['debit', 'supplementaryDebit', 'reversal', 'adjustment']
/** The row that a scanner has filled says what the line says. */
const sayTheSame = (scanner: LineScanner, bytes: Buffer, line: Partial<Detail>, name: CharsetName): void => {
  const texts = scanner.texts?.() ?? bytes
  const row = Object.entries(scanner.columns).map(([field, { values, starts, ends }]) => {
    if (field === 'amount') return [field, values[0]]
    if (field === 'verb') return [field, verbs[values[0]!]]
    if (/Date$/.test(field)) return [field, values[0] === -1 ? undefined : isoOf(values[0]!)]
    if (/tatus$/.test(field)) return [field, values[0] === -1 ? undefined : values[0]]
    return [field, values[0] === -1 ? undefined : charset(name).decode(texts, starts[0], ends[0])]
  })
  const { status, coreStatus, items: _, ...said } = line
  const places = {
    status: ['booked', 'failed', 'reversed'].indexOf(status!),
    coreStatus: ['same', 'missing', 'differs'].indexOf(coreStatus!),
  }
  expect(Object.fromEntries(row)).toEqual({
    ...said,
    status: places.status,
    coreStatus: places.coreStatus < 0 ? undefined : places.coreStatus,
  })
}
const isoOf = (n: number): string =>
  `${Math.floor(n / 10_000)}-${String(Math.floor(n / 100) % 100).padStart(2, '0')}-${String(n % 100).padStart(2, '0')}`.padStart(10, '0')

/** Two tax items of this sum. */
const itemsOf = (amount: number) =>
  [amount - 3, 3].map(share => ({
    taxCode: '10101',
    taxName: '增值税億',
    budgetSubject: '101010106',
    budgetLevel: '1',
    periodStart: '2026-10-01',
    periodEnd: '2026-10-31',
    amount: share,
  }))
type Spoil = (lines: Buffer[], file: FileCodec<'detail'>) => (Buffer | string)[]
const without = (lines: Buffer[], i: number) => lines.filter((_, k) => k !== i)
const at = (lines: Buffer[], i: number, line: Buffer | string) => lines.map((own, k) => (k === i ? line : own))
const endOf = (file: FileCodec<'detail'>) => (file.lineEnd === 'crlf' ? '\r\n' : '\n')
const cells = (file: FileCodec<'detail'>, value: object, of: 'header' | 'line' | 'trailer') =>
  Buffer.concat([file[of].encode(value as never), Buffer.from(endOf(file))])
const spoilt = async (file: FileCodec<'detail'>, spoil: Spoil, lines = linesOf(5)): Promise<string> => {
  const pieces = spoil(cut(await written(file, lines)), file)
  const bytes = Buffer.concat(pieces.map(piece => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
  const said = await refusal(file, bytes)
  for (const size of [1, 100]) expect(await refusal(file, bytes, size)).toBe(said)
  return said
}
const trailerOf = (more: object) => {
  const { fileCount: count, fileDebitSum: debitSum, fileCreditSum: creditSum } = headerOf(linesOf(5))
  return { count, debitSum, creditSum, ...more }
}
const header5 = headerOf(linesOf(5))
const big = (amount: number): Detail => ({ ...lineAt(0), amount })

describe.each(detailFiles)('a detail file of %s is refused', (_, file) => {
  const size = (i: number) => file.line.encode(lineAt(i)).length + endOf(file).length
  const first = file.header.encode(header5).length + endOf(file).length
  const start = (line: number) => first + [...Array(line - 2).keys()].reduce((sum, i) => sum + size(i), 0)
  const all = start(7)

  test.each<[string, Spoil, () => string]>([
    ['with nothing in it', () => [], () => 'missing header line 1 - @0'],
    ['without a header', lines => without(lines, 0), () => 'header line 1'],
    ['with two headers', lines => [lines[0]!, ...lines], () => 'wrong-'],
    ['without a trailer', lines => lines.slice(0, -1), () => `missing trailer line 7 - @${all}`],
    ['with half a last line', lines => at(lines, 6, lines[6]!.subarray(0, -1 - endOf(file).length)), () => 'line-end trailer line 7'],
    ['cut within a line', lines => [...lines.slice(0, 3), lines[3]!.subarray(0, 20)], () => `line-end trailer line 4 - @${start(4) + 20}`],
    ['with something behind its trailer', lines => [...lines, ' '], () => 'unexpected trailer line 8'],
    ['with a line behind its trailer', lines => [...lines, lines[1]!], () => 'unexpected trailer line 8'],
    ['with a byte order mark', lines => [Buffer.from([0xef, 0xbb, 0xbf]), ...lines], () => 'unexpected header line 1 - @0'],
    [
      'with another line end',
      lines => at(lines, 3, Buffer.concat([lines[3]!.subarray(0, -endOf(file).length), Buffer.from(endOf(file) === '\n' ? '\r\n' : '\n')])),
      () => `line-end line line 4`,
    ],
    ['with an empty line', lines => [...lines.slice(0, 3), endOf(file), ...lines.slice(3)], () => 'line line 4'],
    ['with a line missing', lines => without(lines, 2), () => 'file-totals trailer line 6 count'],
    ['with a line twice', lines => [...lines.slice(0, 3), lines[2]!, ...lines.slice(3)], () => 'file-totals trailer line 8 count'],
    [
      'with a count that is wrong',
      lines => at(lines, 6, cells(file, trailerOf({ count: 6 }), 'trailer')),
      () => `file-totals trailer line 7 count @${all}`,
    ],
    [
      'with a sum off by one fen',
      lines => at(lines, 6, cells(file, trailerOf({ debitSum: header5.fileDebitSum + 1 }), 'trailer')),
      () => `file-totals trailer line 7 debitSum @${all}`,
    ],
    [
      'with a credit sum off by one fen',
      lines => at(lines, 6, cells(file, trailerOf({ creditSum: 1 }), 'trailer')),
      () => `file-totals trailer line 7 creditSum @${all}`,
    ],
    [
      'with a header that counts otherwise',
      lines => at(lines, 0, cells(file, { ...header5, fileCount: 6 }, 'header')),
      () => 'file-totals header line 1 fileCount',
    ],
    [
      'with a header that sums otherwise',
      lines => at(lines, 0, cells(file, { ...header5, fileDebitSum: header5.fileDebitSum - 1 }, 'header')),
      () => 'file-totals header line 1 fileDebitSum',
    ],
    [
      'as a part of less than itself',
      lines => at(lines, 0, cells(file, { ...header5, chunks: 2, fileCount: 4 }, 'header')),
      () => 'file-totals header line 1 fileCount',
    ],
    [
      'as the third part of two',
      lines => at(lines, 0, cells(file, { ...header5, chunk: 3, chunks: 2 }, 'header')),
      () => 'bad-value header line 1 chunk @0',
    ],
    ['in UTF-16', lines => [Buffer.from(Buffer.concat(lines).toString('latin1'), 'utf16le')], () => 'header line 1'],
    [
      'with NUL bytes',
      lines => at(lines, 2, Buffer.concat([Buffer.alloc(size(1) - endOf(file).length), Buffer.from(endOf(file))])),
      () => 'line line 3',
    ],
  ])('%s', async (_what, spoil, expected) => {
    expect(await spoilt(file, spoil)).toContain(expected())
  })

  test('with an amount that is negative, zero, or no number, by its field and byte', async () => {
    const bytes = await written(file, linesOf(5))
    const own = file.line.encode(lineAt(2))
    const amount = lineAt(2).amount
    const isJson = file.line.layout === 'json'
    const text = isJson
      ? String(amount)
      : file.line.layout === 'record'
        ? String(amount).padStart(15, '0')
        : String(amount)
            .padStart(3, '0')
            .replace(/(\d\d)$/, '.$1')
    const place = Buffer.from(own).indexOf(isJson ? `"amount":${text}` : text)
    const offset = place + (isJson ? 9 : 0)
    for (const wrong of [`-${text.slice(1)}`, '0'.repeat(text.length), 'x'.repeat(text.length), ` ${text.slice(1)}`]) {
      const said = Buffer.from(bytes)
      said.write(wrong, start(4) + offset, 'latin1')
      expect(await refusal(file, said)).toMatch(/^(not-a-number|bad-value|missing|malformed) line line 4 (amount|items)? ?@?/)
    }
  })

  test('with a sum that no trailer can tell', async () => {
    const lines = [big(999_999_999_999_999), big(1)]
    const header = { ...headerOf([big(1)]), fileCount: 2 }
    await expect(written(file, lines, header)).rejects.toMatchObject({ fault: 'over-limit', at: { field: 'debitSum', line: 3 } })
    const one = cut(await written(file, [big(999_999_999_999_999)]))
    const many = Buffer.concat([one[0]!, ...Array.from({ length: 20 }, () => one[1]!), one[2]!])
    expect(await refusal(file, many)).toBe('over-limit trailer line 3 debitSum @undefined')
  })

  test('with a line that never ends, before it is in memory', async () => {
    const bytes = await written(file, linesOf(2))
    const head = cut(bytes)[0]!
    let given = 0
    const endless = function* () {
      yield head
      for (; given < 1_000; given++) yield Buffer.alloc(65_536, 'A')
    }
    const reading = await file.read(endless())
    await expect(reading.batches().next()).rejects.toMatchObject({ fault: 'over-limit', at: { line: 2, offset: head.length } })
    expect(given).toBeLessThan(10)
  })

  test('whatever the bytes, with a fault or not at all, and never with a private value', async () => {
    const good = await written(file, linesOf(6))
    const splice = fc.record({ at: fc.nat(good.length), out: fc.nat(40), put: fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.nat(60)) })
    await fc.assert(
      fc.asyncProperty(fc.array(splice, { minLength: 1, maxLength: 3 }), async splices => {
        const bytes = splices.reduce<Buffer>((b, { at: from, out, put }) => {
          const said = typeof put === 'number' ? b.subarray(from, from + put) : put
          return Buffer.concat([b.subarray(0, from), said, b.subarray(from + out)])
        }, good)
        file.matches(bytes)
        file.explain(bytes)
        try {
          const { lines, header } = await readAll(file, bytes)
          // What is read says exactly what would be written.
          const again = await written(file, lines as Detail[], header)
          if (file.line.layout !== 'json') expect(again.equals(bytes)).toBe(true)
          expect((await readAll(file, again)).lines).toEqual(lines)
        } catch (error) {
          if (!(error instanceof Fault)) throw error
          for (const secret of ['6222021001', '湘绣', '欧阳娜']) expect(JSON.stringify(error)).not.toContain(secret)
        }
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    ['plain', {}],
    ['with tax items', { items: itemsOf(lineAt(5).amount) }],
  ])('by the scanner where its codec refuses a line, and only there: %s', (_what, more) => {
    const carries = file.line.describe().some(({ field }) => field === 'items')
    const own = Buffer.from(file.line.encode({ ...lineAt(5), ...(carries ? more : {}) }))
    const scanner = file.line.scanner!(1)
    const splice = fc.record({ at: fc.nat(own.length), out: fc.nat(4), put: fc.uint8Array({ maxLength: 4 }) })
    const fault = (run: () => unknown): string | undefined => {
      try {
        run()
        return undefined
      } catch (error) {
        if (error instanceof Fault) return 'refused'
        throw error
      }
    }
    fc.assert(
      fc.property(fc.array(splice, { minLength: 0, maxLength: 2 }), splices => {
        const line = splices.reduce<Buffer>(
          (b, { at: from, out, put }) => Buffer.concat([b.subarray(0, from), put, b.subarray(from + out)]),
          own,
        )
        const bytes = Buffer.concat([Buffer.from('xx'), line, Buffer.from('yyyy')])
        const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
        const decoded = fault(() => file.line.decode(line))
        scanner.begin?.()
        expect(fault(() => scanner.scan(bytes, words, 2, 2 + line.length, 0))).toBe(decoded)
        if (decoded === undefined) sayTheSame(scanner, bytes, file.line.decode(line), file.line.charset)
      }),
      { numRuns: 3_000 },
    )
  })
})

test('a Chinese name whose second byte is the separator stands in one field', async () => {
  const [, file] = detailFiles[1]!
  const names = ['億亅', '李億', '億億億']
  expect(charset('gbk').encode('億')[1]).toBe('|'.charCodeAt(0))
  const lines = names.map((taxpayerName, i) => ({ ...lineAt(i), taxpayerName }))
  expect((await readAll(file, await written(file, lines))).lines).toEqual(lines)
  await expect(written(file, [{ ...lineAt(0), taxpayerName: 'a|b' }])).rejects.toMatchObject({
    fault: 'bad-value',
    at: { field: 'taxpayerName' },
  })
})
