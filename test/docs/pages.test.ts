import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fileOf, pages } from '../../docs/generate.ts'

describe('generated pages are what the code says today (node docs/generate.ts writes them)', () => {
  test.each(pages.map(page => [page.path, page] as const))('%s', async (_, page) => {
    expect(readFileSync(fileOf(page), 'utf8')).toBe(await page.content())
  })
})
