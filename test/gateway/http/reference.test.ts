import { existsSync } from 'node:fs'
import { everyVerb, exchanges, verbs } from '@taxlink/bank-sdk'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { debitOrder } from '../../../gateway/flows/order.ts'
import { everyOperation as routes } from '../../../gateway/http/every-operation.ts'
import { openapiDocument } from '../../../gateway/http/reference.ts'
import { voucherBodies } from '../../../gateway/http/voucher-schemas.ts'
import { type Caller, type House, openHouse, order, timedOut } from './house.ts'

type Json = { readonly [name: string]: unknown }
type Body = { readonly content?: { readonly [type: string]: { readonly schema: Json; readonly example?: Json } } }
type Operation = Body & {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema: Json; readonly required?: boolean }[]
  readonly requestBody?: Body
  readonly responses: { readonly [status: string]: Body & { readonly description: string } }
}
type Document = {
  readonly openapi: string
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } }
  readonly webhooks: { readonly [name: string]: { readonly post: Operation } }
  readonly components: { readonly schemas: { readonly [name: string]: Json }; readonly securitySchemes: Json }
  readonly security: readonly Json[]
}

let house: House
let anybody: Caller
let document: Document
/** The schemas of the document as a caller's own tools would read them. */
let check: (name: string, value: unknown) => void
beforeAll(async () => {
  house = await openHouse()
  anybody = house.caller()
  document = (await openapiDocument()) as Document
  const ajv = new Ajv2020({ strict: true, allErrors: true, discriminator: true, keywords: ['x-private'] })
  formats.default(ajv)
  const named = JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/')
  ajv.addSchema({ $id: 'https://taxlink.invalid/openapi.json', $defs: JSON.parse(named) as Json })
  check = (name, value) => {
    const valid = ajv.getSchema(`https://taxlink.invalid/openapi.json#/$defs/${name}`)!
    if (!valid(value)) throw new Error(`${name}: ${ajv.errorsText(valid.errors)}`)
  }
})
afterAll(() => house.close())

const everyOperation = (): [string, Operation][] => [
  ...Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  ),
  ...Object.entries(document.webhooks).map(([name, item]): [string, Operation] => [name, item.post]),
]
const refsIn = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(refsIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => (name === '$ref' && typeof inner === 'string' ? [inner] : refsIn(inner)))
}

test('the document is of the 3.1 kind, and whole: every reference leads somewhere, every operation is described', () => {
  expect(document.openapi).toBe('3.1.0')
  for (const ref of refsIn(document)) {
    const [root, components, schemas, name = ''] = ref.split('/')
    expect([root, components, schemas]).toEqual(['#', 'components', 'schemas'])
    expect(Object.keys(document.components.schemas)).toContain(name)
  }
  const ids = everyOperation().map(([, { operationId }]) => operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const [where, { summary, responses, parameters, requestBody }] of everyOperation()) {
    expect(summary, where).toMatch(/^\p{Script=Han}.* \/ /u)
    for (const { description } of Object.values(responses)) expect(description, where).toMatch(/^\p{Script=Han}/u)
    const named = [...where.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    expect(parameters?.filter(p => p.in === 'path').map(p => p.name) ?? [], where).toEqual(named)
    const type = where.includes('/agreement-imports/') ? 'application/x-ndjson' : 'application/json'
    // Who prints a certificate again has nothing more to say than which.
    const types = where.endsWith('/reprints') ? [] : [type]
    if (where.startsWith('post')) expect(Object.keys(requestBody?.content ?? {}), where).toEqual(types)
  }
  expect(document.security).toEqual([{ mutualTLS: [] }])
  expect(document.components.securitySchemes).toMatchObject({ mutualTLS: { type: 'mutualTLS' } })
})

test('every operation of the gateway stands in it, and every exchange with a bank', () => {
  const known = routes.map(({ method, url }) => `${method.toLowerCase()} ${url.replace(/:(\w+)/g, '{$1}')}`)
  expect(everyOperation().map(([where]) => where)).toEqual(
    expect.arrayContaining([...known, 'results', ...verbs.map(verb => `bank.${verb}`)]),
  )
  for (const verb of everyVerb)
    for (const message of [exchanges[verb].request, exchanges[verb].reply]) {
      const schema = document.components.schemas[`bank.${message.id}`]!
      expect(Object.keys(schema.properties as Json)).toEqual(['version', 'type', ...Object.keys(message.fields)])
    }
})

test('its schemas compile strictly, and its examples are valid', () => {
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    expect(schema.title, name).toMatch(/^\p{Script=Han}/u)
    // Compiled when first asked for.
    expect(() => check(name, undefined)).toThrow(new RegExp(`^${name}: `))
    for (const example of (schema.examples ?? []) as unknown[]) check(name, example)
  }
  const exampled = Object.entries(document.components.schemas).filter(([, schema]) => schema.examples)
  const messages = everyVerb.flatMap(verb => [exchanges[verb].request.id, exchanges[verb].reply.id])
  const orders = ['ReversalOrder', 'SupplementaryDebitOrder', 'StopOrder', 'Reversal', 'SupplementaryDebit', 'Stop']
  const files = ['ReconciliationFile', 'FileRequestOrder', 'FileRequest']
  const operators = ['ProposalOrder', 'Proposal', 'Approval', 'DecisionReason', 'AuditEntry']
  const reconciliations = ['ReconciliationOrder', 'Reconciliation', 'Difference']
  const breaks = ['Break', 'BreakLife', 'BreakSupplement', 'BreakSupplementResult', 'BreakChoice', 'AdjustmentNoticeOrder', 'TellingOrder']
  const agreements = [
    'AgreementRegistration',
    'AgreementChange',
    'AgreementOrder',
    'TaxpayerEvent',
    'Agreement',
    'BindingAcceptances',
    'ReviewReason',
  ]
  const signIn = ['SignIn', 'Me', 'PasswordChange', 'EnrolmentCodeOrder', 'EnrolmentCode', 'Enrolment', 'Enrolled', 'Operator']
  const named = [
    'DebitOrder',
    'Debit',
    'Result',
    ...orders,
    ...agreements,
    ...files,
    ...operators,
    ...reconciliations,
    ...breaks,
    'RegistryLineOrder',
    'RegistryLine',
    ...voucherBodies,
    ...signIn,
  ]
  expect(exampled.map(([name]) => name)).toEqual([...named, ...messages.map(id => `bank.${id}`)])
  for (const [where, { responses }] of everyOperation())
    for (const [status, { content }] of Object.entries(responses)) {
      const problem = content?.['application/problem+json']
      if (!problem) continue
      expect(problem.example, `${where} ${status}`).toMatchObject({ status: Number(status) })
      check('Problem', problem.example)
    }
  const fields = Object.keys(debitOrder.fields)
  expect(Object.keys(document.components.schemas.DebitOrder?.properties as Json)).toEqual(fields)
})

test('what the gateway answers is what the document says', async () => {
  const ets = house.caller(await house.ca.issue())
  const sent = order()
  check('DebitOrder', sent)
  check('Debit', (await ets.ask('POST', '/v1/debits', sent)).json)
  check('Debit', (await ets.ask('POST', '/v1/debits', sent, { prefer: 'wait=10' })).json)
  house.say(timedOut)
  check('Debit', (await ets.ask('POST', '/v1/debits', order(), { prefer: 'wait=1' })).json)
  check('Debit', (await ets.ask('POST', '/v1/debits', order({ bankCode: '9999' }))).json)
  check('BatchVerdicts', (await ets.ask('POST', '/v1/debits/batch', { orders: [sent, {}, { ...sent, channel: 'phone' }, order()] })).json)
  check('DebitPage', (await ets.ask('GET', '/v1/debits?limit=1')).json)
  check('ResultPage', (await ets.ask('GET', '/v1/results')).json)
  const { ticketNo, items } = sent
  const reversal = { orderNo: 'R-1', ticketNo, amount: 1, reason: 'tax-side' }
  const supplement = { orderNo: 'S-1', ticketNo, amount: 300, reason: 'under-debited', items }
  check('ReversalOrder', reversal)
  check('Reversal', (await ets.ask('POST', '/v1/reversals', reversal)).json)
  check('ReversalPage', (await ets.ask('GET', '/v1/reversals')).json)
  check('SupplementaryDebitOrder', supplement)
  check('SupplementaryDebit', (await ets.ask('POST', '/v1/supplementary-debits', supplement)).json)
  check('SupplementaryDebitPage', (await ets.ask('GET', '/v1/supplementary-debits')).json)
  check('Stop', (await ets.ask('POST', '/v1/stops', { orderNo: 'Z-1', ticketNo })).json)
  check('StopPage', (await ets.ask('GET', '/v1/stops')).json)
  for (const said of [
    await ets.ask('GET', '/nowhere'),
    await ets.ask('POST', '/v1/debits', '{'),
    await ets.ask('POST', '/v1/debits', {}),
    await ets.ask('POST', '/v1/debits', { ...sent, channel: 'phone' }),
    await anybody.ask('GET', '/v1/debits'),
  ])
    check('Problem', said.json)
})

test('the document and the page are open reading; the interface is not', async () => {
  const read = await anybody.ask('GET', '/openapi.json')
  expect(read.status).toBe(200)
  expect(read.headers['content-type']).toMatch(/^application\/json/)
  expect(read.json).toEqual(document)
  for (const path of ['/reference/json', '/reference/', '/reference/static/swagger-ui-bundle.js']) {
    expect([path, (await anybody.ask('GET', path)).status]).toEqual([path, 200])
  }
  expect((await anybody.ask('GET', '/reference/json')).json).toEqual(document)
  expect((await anybody.ask('GET', '/')).headers.location).toBe('/reference/')
  for (const path of ['/v1/debits', '/v1/results', '/referenc', '/reference/..%2fv1/results', '/reference/static/..%2f..%2fpackage.json']) {
    expect([path, (await anybody.ask('GET', path)).status]).not.toEqual([path, 200])
  }
})

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(path => existsSync(path))
test.skipIf(browserPath === undefined)(
  'the page works in a browser that can reach nothing else',
  async () => {
    const browser = await chromium.launch({
      executablePath: browserPath!,
      args: ['--no-sandbox', '--disable-background-networking', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'],
    })
    try {
      const page = await browser.newPage({ ignoreHTTPSErrors: true })
      const asked: string[] = []
      const wrong: string[] = []
      page.on('request', request => asked.push(request.url()))
      page.on('console', message => {
        if (message.type() === 'error') wrong.push(message.text())
      })
      page.on('pageerror', error => wrong.push(error.message))
      await page.goto(`${house.http.url}/reference/`)
      await page.getByText('发起扣款 / order a debit', { exact: false }).first().waitFor()
      await page.locator('#operations-税务系统_\\/_tax_systems-postDebit, [id*="postDebit"]').first().click()
      await page.getByText('同一票号、同一内容可任意重发', { exact: false }).first().waitFor()
      await page.getByText('统一结果码 / unified result codes').click()
      await page.getByText('余额不足 / insufficient balance').waitFor()
      expect(await page.title()).toBe('税银联网网关接口 / TaxLink gateway')
      expect(asked.filter(url => !url.startsWith(house.http.url) && !url.startsWith('data:'))).toEqual([])
      expect(wrong).toEqual([])
    } finally {
      await browser.close()
    }
  },
  180_000,
)
