import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Registry, type RegistryLine, registryOf } from '../gateway/domain/registry.ts'
import type { Database, Scalar } from '../gateway/store/database.ts'
import { sqlTime } from '../gateway/store/rows.ts'

// The sample province's banks as suites need them that are about something else: qualified long ago, and active in their cities.

type Sample = {
  readonly banks: readonly {
    readonly bankCode: string
    readonly qualified: boolean
    readonly cities: readonly string[]
    readonly accounts: readonly { readonly treasuryCode: string; readonly account: string; readonly leadBranch: string }[]
  }[]
}
const sample = JSON.parse(readFileSync('gateway/data/registry.json', 'utf8')) as Sample
const [zhang, li] = ['urn:taxlink:operator:zhang', 'urn:taxlink:operator:li']
const at = new Date('2020-01-02T01:00:00.000Z')
const paper = { paperNo: '湘税联〔2020〕1号', paperDate: '2020-01-02' }

type Step = Pick<RegistryLine, 'bankCode' | 'cityCode' | 'event' | 'state'> & {
  readonly content?: RegistryLine['content']
  /** The kind of the proposal, where it takes two persons. */
  readonly kind?: string
}
const stepsOf = ({ bankCode, qualified, cities, accounts }: Sample['banks'][number]): Step[] => {
  const inProvince = (event: Step['event'], state: string, more: Partial<Step> = {}): Step => ({
    bankCode,
    cityCode: undefined,
    event,
    state,
    ...more,
  })
  const evidence = (['standing', 'software', 'clearing', 'conduct'] as const).map(condition =>
    inProvince('evidence', 'applied', { content: { condition } }),
  )
  if (!qualified) return [inProvince('apply', 'applied')]
  return [
    inProvince('apply', 'applied'),
    ...evidence,
    inProvince('agree', 'agreed'),
    inProvince('certify', 'certified', { content: { validTo: '2099-12-31' } }),
    inProvince('qualify', 'qualified', { kind: 'move-bank' }),
    ...accounts.map(account => inProvince('account', 'qualified', { kind: 'set-account', content: { ...account, from: '2020-01-01' } })),
    ...cities.flatMap(cityCode =>
      (
        [
          ['prepare', 'preparing'],
          ['report', 'reported'],
          ['inspect', 'ready'],
          ['approve', 'approved', 'move-bank-in-city'],
          ['activate', 'active', 'move-bank-in-city'],
        ] as const
      ).map(([event, state, kind]): Step => ({ bankCode, cityCode, event, state, ...(kind === undefined ? {} : { kind }) })),
    ),
  ]
}

const linesOf = (steps: readonly Step[]): (RegistryLine & { readonly kind: string | undefined })[] => {
  let proposals = 0
  return steps.map(({ content, kind, ...step }, i) => ({
    ...step,
    id: i + 1,
    content: {
      bankCode: step.bankCode,
      ...(step.cityCode === undefined ? {} : { cityCode: step.cityCode }),
      ...(kind === undefined || step.event === 'account' ? {} : { event: step.event }),
      ...content,
      ...paper,
    },
    actor: kind === undefined ? zhang : li,
    at,
    kind,
    proposalId: kind === undefined ? undefined : ++proposals,
  }))
}
const sampleLines = linesOf(sample.banks.flatMap(stepsOf))

/** The registry of the sample province. */
export const sampleRegistry: Registry = registryOf(sampleLines)

const insertAll = async (db: Pick<Database, 'execute'>, into: string, rows: readonly (readonly Scalar[])[]): Promise<void> => {
  const marks = rows.map(row => `(${row.map(() => '?').join(', ')})`).join(', ')
  await db.execute(`INSERT INTO ${into} VALUES ${marks}`, rows.flat())
}

/** Writes it into a record that has no proposals yet, with all the steps that lead to it. */
export const writeRegistry = async (db: Pick<Database, 'execute'>): Promise<void> => {
  const byTwo = sampleLines.filter(line => line.proposalId !== undefined)
  const time = sqlTime(at)
  const nextDay = sqlTime(new Date(at.getTime() + 86_400_000))
  await insertAll(
    db,
    'proposal (id, kind, subject, order_no, content, evidence, content_hash, proposed_by, proposed_at, expires_at)',
    byTwo.map(({ proposalId, kind, content }) => {
      const id = proposalId ?? 0
      const text = JSON.stringify(content)
      return [
        id,
        kind ?? '',
        `sample-${id}`,
        `sample-${id}`,
        text,
        'sample',
        createHash('sha256').update(text).digest(),
        zhang,
        time,
        nextDay,
      ]
    }),
  )
  await db.execute("UPDATE proposal SET state = 'approved', decided_by = ?, decided_at = ?, seen_hash = content_hash", [li, time])
  const last = new Map<string, { seq: number; state: string }>()
  const rows = sampleLines.map(({ id, bankCode, cityCode = '', event, state, content, actor, proposalId }) => {
    const key = `${bankCode}/${cityCode}`
    const before = last.get(key) ?? { seq: 0, state: '' }
    last.set(key, { seq: before.seq + 1, state })
    const orderNo = proposalId === undefined ? `sample-${id}` : null
    return [
      bankCode,
      cityCode,
      before.seq + 1,
      event,
      before.state,
      state,
      JSON.stringify(content),
      actor,
      time,
      proposalId ?? null,
      orderNo,
    ]
  })
  await insertAll(
    db,
    'registry_line (bank_code, city_code, seq, event, from_state, to_state, content, actor, at, proposal_id, order_no)',
    rows,
  )
}
