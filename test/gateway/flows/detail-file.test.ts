import { describe, expect, test } from 'vitest'
import { banks } from '#adapters'
import { shownFileName } from '../../../gateway/domain/file-name.ts'
import { readFileName } from '../../../gateway/flows/detail-file.ts'
import { fileNameOf, freshName } from '../detail.ts'

describe.each(banks.map(({ code }) => code))('the names of %s', code => {
  const name = freshName(code, { session: 7, chunk: 12 })
  const written = fileNameOf(name)
  test('say whose file it is, of which day, session and part', () => {
    expect(readFileName(code, written)).toEqual({ bankCode: code, accountingDate: '2026-11-10', session: 7, chunk: 12 })
    for (const other of banks) if (other.code !== code) expect(readFileName(other.code, written)).toBe('foreign')
  })
  test.each([
    '',
    `../${written}`,
    `/${written}`,
    `..\\${written}`,
    `${written}/`,
    `./${written}`,
    `${written}\0.txt`,
    `${written}\n`,
    ` ${written}`,
    `${written} `,
    `%2e%2e%2f${written}`,
    written.toLowerCase() === written ? written.toUpperCase() : written.toLowerCase(),
    written.replace('2026', '２０２６'),
    written.replace('20261110', '20260230'),
    written.replace('20261110', '20261310'),
    fileNameOf({ ...name, session: 0 }),
    fileNameOf({ ...name, chunk: 0 }),
    `${written}.exe`,
    `x${written}`,
    written.slice(1),
  ])('%j is none', text => {
    expect(readFileName(code, text)).toBeUndefined()
    expect(shownFileName(text)).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,119}$/)
  })
})
