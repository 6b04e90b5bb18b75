// Writes the pages of docs/ that follow from the code:  node docs/generate.ts
// A page is data: its path and what it says. test/docs/pages.test.ts fails when a page on the disk says something else.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openapiText } from '../gateway/http/reference.ts'
import { bankPages } from './banks/pages.ts'
import { referencePages } from './reference/pages.ts'

/** A generated page: where it stands, from the root of the project, and its text. */
export type Page = { readonly path: string; readonly content: () => string | Promise<string> }

/** Every generated page. */
export const pages: readonly Page[] = [...bankPages, ...referencePages, { path: 'docs/openapi.json', content: openapiText }]

/** Where a page stands on the disk. */
export const fileOf = (page: Page): URL => new URL(`../${page.path}`, import.meta.url)

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const page of pages) {
    mkdirSync(dirname(fileOf(page).pathname), { recursive: true })
    writeFileSync(fileOf(page), await page.content())
    process.stdout.write(`${page.path}\n`)
  }
}
