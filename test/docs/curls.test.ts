import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { expect, test } from 'vitest'
import { page } from './page.ts'

// What docs/operating.md and docs/agreements.md type at a running gateway, against the operations there are: method, path, query and body.

type Schema = { readonly [name: string]: unknown }
type Parameter = { readonly in: string; readonly name: string; readonly schema: Schema; readonly required?: boolean }
type Described = {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: { readonly 'application/json'?: { readonly schema: Schema } } }
}
const described = JSON.parse(page('docs/openapi.json')) as {
  readonly paths: { readonly [path: string]: { readonly [method: string]: Described } }
  readonly components: object
}
const ajv = formats.default(new Ajv2020({ strict: false, allErrors: true }), ['date'])
ajv.addSchema({ $id: 'api', components: described.components })
const valid = (schema: Schema, value: unknown): string | undefined => {
  const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/')) as Schema
  return ajv.validate(local, value) ? undefined : ajv.errorsText()
}

// By certificate, or with what a session needs.
const form =
  /^ *(?:as \S+|curl -s --cacert \S+(?: -[bc] \S+)?(?: -H '[^']+')*) (?:-X (?<verb>[A-Z]+) )?"\$gateway(?<path>\/v1\/[^"?]*)(?:\?(?<query>[^"]*))?"(?: -d '(?<body>[^']*)')?$/gmu
const pages = ['docs/operating.md', 'docs/agreements.md'].map(page).join('\n')
const typed = [...pages.matchAll(form)].map(({ 0: line, groups = {} }) => ({ line, ...groups }) as const)

test('every call of the pages is one of these', () => {
  const calls = pages.match(/^ *(?:as|curl) .*"\$gateway/gmu) ?? []
  expect(typed).toHaveLength(calls.length)
  expect(calls.length).toBeGreaterThan(25)
})

test.each(typed as ((typeof typed)[number] & { path: string; verb?: string; query?: string; body?: string })[])(
  '$line',
  ({ path, verb, query, body }) => {
    const method = verb ?? (body === undefined ? 'GET' : 'POST')
    const found = Object.entries(described.paths).find(([template, operations]) => {
      const wanted = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
      return wanted.test(path) && operations[method.toLowerCase()] !== undefined
    })
    expect(found, `${method} ${path}`).toBeDefined()
    const { parameters = [], requestBody } = found![1][method.toLowerCase()]!
    const names = found![0]
      .split('/')
      .flatMap((part, i) => (part.startsWith('{') ? [[part.slice(1, -1), decodeURIComponent(path.split('/')[i]!)]] : []))
    const given = [
      ...names.map(([name, value]) => ['path', name, value]),
      ...[...new URLSearchParams(query)].map(([name, value]) => ['query', name, value]),
    ]
    for (const [where, name, value] of given) {
      const known = parameters.find(p => p.in === where && p.name === name)
      expect(known, `${where} parameter ${name}`).toBeDefined()
      const { type } = known!.schema
      expect(valid(known!.schema, type === 'boolean' ? value === 'true' : type === 'integer' ? Number(value) : value), name).toBeUndefined()
    }
    for (const wanted of parameters.filter(p => p.required === true && p.in === 'query'))
      expect(
        given.some(([, name]) => name === wanted.name),
        `query ${wanted.name}`,
      ).toBe(true)
    const schema = requestBody?.content['application/json']?.schema
    expect(body === undefined).toBe(schema === undefined)
    if (body !== undefined) expect(valid(schema!, JSON.parse(body.replaceAll('…', '0'.repeat(64))))).toBeUndefined()
  },
)
