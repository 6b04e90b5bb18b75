import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headerFault, mostLines, openDetailCheck, openSerials, wholeFault } from '../../../gateway/domain/detail-check.ts'
import { detailOf } from '../../../gateway/flows/detail-file.ts'
import { detailParts } from '../../../gateway/flows/detail-parts.ts'
import { accountingDate, bytesOf, detailLine, freshName, type Header, headerOf, type Line } from '../detail.ts'

const name = freshName('4310', { session: 1 })
const expected = { name, bytes: 1 << 20, today: accountingDate }
const three = [detailLine(), detailLine({ verb: 'reversal', amount: 45 }), detailLine({ verb: 'supplementaryDebit', amount: 5 })]
const header = headerOf(name, three)

test('a header is that of the name', () => {
  const said = (change: Partial<Header>) => headerFault({ ...header, ...change }, expected)?.code
  expect(said({})).toBeUndefined()
  expect(said({ bankCode: '4306' })).toBe('header-bank')
  expect(said({ accountingDate: '2026-11-09' })).toBe('header-date')
  expect(said({ session: 2 })).toBe('header-session')
  expect(said({ chunk: 2, chunks: 2 })).toBe('header-chunk')
  expect(said({ chunks: 2 })).toBeUndefined()
  expect(said({ fileCount: mostLines + 1 })).toBe('too-large')
})

test.each([
  ['2026-11-10', [], 'the accounting date itself'],
  ['2026-11-12', [], 'the day on which it comes unasked'],
  ['2026-11-16', ['2026-11-16'], 'what it was told, of a session that was opened days later'],
  ['2026-11-09', ['2026-11-09', '2026-11-11'], 'what it was told, of a day that it was ahead of'],
  ['2026-11-11', ['2026-11-16'], 'its own day, before the session was opened'],
])('the work date %s is right (told: %j): %s', (workDate, told) => {
  expect(headerFault({ ...header, workDate }, { name, workDates: { told, last: '2026-11-12' } })).toBeUndefined()
})
test.each([
  ['2026-11-13', []],
  ['2026-11-09', []],
  ['2025-11-10', ['2026-11-11']],
  ['2026-11-15', ['2026-11-16']],
])('the work date %s is not (told: %j)', (workDate, told) => {
  const fault = headerFault({ ...header, workDate }, { name, workDates: { told, last: '2026-11-12' } })
  expect(fault).toMatchObject({ code: 'header-work-date', line: 1, detail: expect.stringContaining(told[0] ?? 'none yet') })
})

const parts = async function* (bytes: readonly Uint8Array[]) {
  yield* bytes
}

describe('the lines', () => {
  const checked = async (lines: readonly Line[], change: Partial<Header> = {}) => {
    const bytes = await bytesOf(headerOf(name, lines), lines)
    const check = openDetailCheck(expected)
    for await (const part of detailParts(detailOf('4310')!, [() => parts([bytes])])) {
      const fault = check.take(part.kind === 'header' ? { ...part, header: { ...part.header, ...change } } : part)
      if (fault) return [fault.code, fault.line, bytes.subarray(fault.byte).toString().slice(0, 20)]
    }
    return [...check.suspects]
  }
  const second = (change: Partial<Line>) => three.map((line, i) => (i === 1 ? { ...line, ...change } : line))
  const line = '{"version":"1","type'
  test('nothing is wrong with good ones; what is wrong is told with its place', async () => {
    expect(await checked(three)).toEqual([])
    expect(await checked(second({ accountingDate: '2026-11-09' }))).toEqual(['line-date', 3, line])
    expect(await checked(second({ entrustDate: '2026-11-11' }))).toEqual(['line-ahead', 3, line])
    expect(await checked(second({ entrustDate: '2026-11-09' }))).toEqual([])
    expect(await checked(three, { fileCount: 2 })).toEqual(['whole-differs', 4, line])
    expect(await checked(second({ bankSerial: three[0]!.bankSerial }))).toEqual([three[0]!.bankSerial])
  })
})

test('chunks one after the other are in order, speak of one whole, and no more lines come than it has', () => {
  const first: Header = { ...header, chunks: 2, fileCount: 2 }
  const second: Header = { ...first, chunk: 2 }
  const taking = (...headers: Header[]) => {
    const check = openDetailCheck({ name })
    return headers.map(each => check.take({ kind: 'header', header: each })?.code).at(-1)
  }
  expect(taking(first, second)).toBeUndefined()
  expect(taking(first, first)).toBe('header-chunk')
  // Or the table of serial numbers, made for the first, would have no room for those of the second.
  expect(taking(first, { ...second, fileCount: 5_000 })).toBe('whole-differs')
  expect(taking(first, { ...second, fileDebitSum: 1 })).toBe('whole-differs')
  expect(taking(first, { ...second, workDate: '2026-11-12' })).toBe('whole-differs')
})

test('chunks come to the whole that each of their headers names', () => {
  const parts = [
    { count: 2, debitSum: 10, creditSum: 1 },
    { count: 1, debitSum: 5, creditSum: 0 },
  ]
  const whole = { fileCount: 3, fileDebitSum: 15, fileCreditSum: 1 }
  expect(wholeFault(parts, whole)).toBeUndefined()
  for (const change of [{ fileCount: 2 }, { fileDebitSum: 14 }, { fileCreditSum: 2 }])
    expect(wholeFault(parts, { ...whole, ...change })?.code).toBe('whole-differs')
})

test('a serial number that stands twice is always a suspect; hardly ever another', () => {
  /** Adds them as they stand in one batch of lines; which of them were there. */
  const add = (serials: ReturnType<typeof openSerials>, given: readonly string[]): boolean[] => {
    const found = given.map(() => false)
    const ends = Int32Array.from(given.map(text => text.length)).map(
      (_, i, all) => i + all.subarray(0, i + 1).reduce((sum, n) => sum + n, 0),
    )
    const starts = ends.map((end, i) => end - given[i]!.length)
    serials.add(Buffer.from(given.map(text => `${text} `).join('')), starts, ends, given.length, i => {
      found[i] = true
    })
    return found
  }
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[!-~]{1,20}$/), { maxLength: 200 }), given => {
      const serials = openSerials(given.length)
      const half = given.length >>> 1
      const found = [...add(serials, given.slice(0, half)), ...add(serials, given.slice(half))]
      const seen = new Set<string>()
      for (const [i, serial] of given.entries()) {
        if (seen.has(serial)) expect(found[i]).toBe(true)
        seen.add(serial)
      }
    }),
  )
  // More than are hashed at once, twice.
  const many = openSerials(200_000)
  const width = 18
  const batch = (from: number, count: number) => {
    const bytes = Buffer.from(Array.from({ length: count }, (_, i) => `20261110${String(from + i).padStart(10, '0')}`).join(''))
    const starts = Int32Array.from({ length: count }, (_, i) => i * width)
    const there: number[] = []
    many.add(
      bytes,
      starts,
      starts.map(start => start + width),
      count,
      i => there.push(i),
    )
    return there
  }
  for (let from = 0; from < 200_000; from += 10_000) expect(batch(from, 10_000)).toEqual([])
  expect(batch(199_000, 5)).toEqual([0, 1, 2, 3, 4])
})
