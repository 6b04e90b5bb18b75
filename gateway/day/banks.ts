import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail } from '@taxlink/bank-sdk'
import { type Operator, operatorOf } from '../domain/operator.ts'
import { conditions } from '../domain/qualification.ts'
import { type Reference, withRegistry } from '../domain/reference.ts'
import { shanghaiDate } from '../domain/time.ts'
import type { Flow } from '../flows/flow.ts'
import type { ProposalKindName } from '../flows/kinds.ts'
import { approve, propose } from '../flows/proposals.ts'
import { type LineEvent, register } from '../flows/register.ts'
import type { Database } from '../store/database.ts'
import { openStore } from '../store/store.ts'
import { sampleOperators } from './operators.ts'

/** The banks of the sample province as its registry is to have them. */
type SampleBank = {
  readonly bankCode: string
  /** Otherwise it has only applied. */
  readonly qualified: boolean
  readonly cities: readonly string[]
  readonly accounts: readonly { readonly treasuryCode: string; readonly account: string; readonly leadBranch: string }[]
}
const sample = join(import.meta.dirname, '..', 'data', 'registry.json')

/** What two sample operators do, one step after the other, by the flows that the operators' interface goes by. */
type Office = {
  readonly enter: (event: LineEvent, content: { readonly bankCode: string; readonly [name: string]: unknown }) => Promise<void>
  readonly decide: (kind: ProposalKindName, content: { readonly [name: string]: unknown }) => Promise<void>
}

const never = (): never => {
  throw new Error('no bank is called while the registry is written')
}
/** A process without banks, for what only the record is needed for. */
const deskOver = (db: Database, reference: Reference, clock: () => Date): Flow => ({
  clock,
  random: Math.random,
  pause: never,
  store: openStore(db),
  call: never,
  isTimely: () => true,
  heldUntil: () => undefined,
  accountingDate: () => undefined,
  reference: () => reference,
  owner: 'sample',
  leaseMs: 0,
  printKey: never,
  note: () => {},
  settled: () => {},
})

const openOffice = (flow: Flow, bankCode: string, first: Operator, second: Operator): Office => {
  const now = flow.clock()
  let steps = 0
  const orderNo = () => `sample-${bankCode}-${++steps}`
  const failed = (what: string, why: object): never =>
    fail('internal', `the sample registry: ${what} of ${bankCode}: ${JSON.stringify(why)}`)
  return {
    enter: async (event, content) => {
      const said = await register(flow, first, { orderNo: orderNo(), event, content }, now)
      if (said.kind !== 'written' && said.kind !== 'repeated') failed(event, said)
    },
    decide: async (kind, content) => {
      const said = await propose(flow, first, { orderNo: orderNo(), kind, content, evidence: '演示资料' }, now)
      if (said.kind !== 'proposed' && said.kind !== 'repeated') return failed(kind, said)
      const decided = await approve(flow, said.proposal.id, second.uri, said.proposal.hash, undefined, now)
      if (decided.kind !== 'decided' && decided.kind !== 'repeated') failed(kind, decided)
    },
  }
}

const bring = async ({ enter, decide }: Office, { bankCode, qualified, cities, accounts }: SampleBank, today: string): Promise<void> => {
  const year = today.slice(0, 4)
  const paper = (of: string) => ({ paperNo: `湘税联${of}〔${year}〕${bankCode}号`, paperDate: today })
  await enter('apply', { bankCode, ...paper('申') })
  if (!qualified) return
  for (const condition of Object.keys(conditions)) await enter('evidence', { bankCode, condition, finding: '核实无误', ...paper('核') })
  await enter('agree', { bankCode, ...paper('协') })
  await enter('certify', { bankCode, validTo: `${Number(year) + 2}-12-31`, ...paper('测') })
  await decide('move-bank', { bankCode, event: 'qualify', ...paper('认') })
  for (const account of accounts) await decide('set-account', { bankCode, ...account, from: today, ...paper('户') })
  for (const cityCode of cities) {
    const place = { bankCode, cityCode }
    await enter('prepare', { ...place, ...paper('备') })
    await enter('report', {
      ...place,
      training: '网点已培训',
      leadBranch: accounts[0]?.leadBranch ?? '营业部',
      printing: '两种凭证已试打',
      clearing: '支库与清算号已报省行科技部',
      ...paper('报'),
    })
    await enter('inspect', { ...place, taxParty: '市局征管科', pbocParty: '人民银行国库科', ...paper('察') })
    await decide('move-bank-in-city', { ...place, event: 'approve', ...paper('批'), pbocPaperNo: `银发〔${year}〕${bankCode}号` })
    await decide('move-bank-in-city', { ...place, event: 'activate', ...paper('通') })
  }
}

/**
 * Brings the sample banks by every step from their application to the cities in which they are active (art. 27, 29); 衡山银行 has only applied.
 * Does nothing where the registry has lines that say so already.
 */
export const seedBanks = async (db: Database, clock: () => Date): Promise<void> => {
  const store = openStore(db)
  const [loaded, registry] = [await store.reference(), await store.registry.read()]
  if (!loaded) return fail('internal', 'the sample registry comes after the reference data')
  const today = shanghaiDate(clock())
  const reference = withRegistry(loaded, registry, today)
  const { banks } = JSON.parse(readFileSync(sample, 'utf8')) as { readonly banks: readonly SampleBank[] }
  const [first, second] = sampleOperators.map(account => operatorOf(reference, account))
  if (!first || !second) return fail('internal', 'the sample registry comes after the sample operators')
  const isThere = ({ bankCode, cities }: SampleBank) => {
    const dossier = registry.dossiers.get(bankCode)
    return dossier !== undefined && cities.every(city => dossier.cities.has(city))
  }
  const flow = deskOver(db, reference, clock)
  const missing = banks.filter(bank => loaded.banks.has(bank.bankCode) && !isThere(bank))
  await Promise.all(missing.map(bank => bring(openOffice(flow, bank.bankCode, first, second), bank, today)))
}
