import { createHash } from 'node:crypto'
import { fail, type Schema } from '@taxlink/bank-sdk'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { BankEntry, BankPolicy } from '../domain/bank.ts'
import { levels } from '../domain/operator.ts'
import type { Office, Reference, Treasury } from '../domain/reference.ts'
import { appendAudit } from './audit.ts'
import { type CalendarFile, calendarSchema, readCalendar, writeCalendar, wrongCalendar } from './calendar.ts'
import type { Database, Scalar, Tx } from './database.ts'
import { heldAdministrators } from './operators.ts'
import { sqlTime } from './rows.ts'

/** A version of the reference data as its file holds it. */
export type ReferenceFile = {
  readonly version: string
  readonly banks: readonly FileBank[]
  readonly treasuries: readonly Treasury[]
  readonly offices: readonly Office[]
  /** 节假日 (art. 17(4)), and deadlines announced otherwise. */
  readonly calendar?: CalendarFile
}
/** A bank with its first contract. Whether it may debit, and by which accounts it remits, is the registry's. */
type FileBank = Pick<BankEntry, 'code' | 'name' | 'policy'>

const string = (pattern: string): Schema => ({ type: 'string', pattern })
const name: Schema = { type: 'string', minLength: 1, maxLength: 60 }
const count = (minimum: number, maximum: number): Schema => ({ type: 'integer', minimum, maximum })
const ladder: Schema = { type: 'array', minItems: 1, maxItems: 50, items: count(1, 86_400_000) }
const object = (properties: Record<string, Schema>, optional: readonly string[] = []): Schema => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties).filter(p => !optional.includes(p)),
  properties,
})
const list = (items: Schema): Schema => ({ type: 'array', items })
const treasuryCode = string('^[0-9]{1,11}$')
const officeCode = string('^[0-9]{1,12}$')

/** The schema of a contract's parameters. What may be left out came later: a version that was loaded before stays valid. */
export const policySchema: Schema = object(
  {
    dedupe: { enum: ['by-key', 'tombstone', 'none'] },
    inquiry: { type: 'boolean' },
    reversal: { enum: ['any', 'whole-only', 'none'] },
    tombstones: { type: 'boolean' },
    dayEnd: string('^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$'),
    quiescenceMs: count(0, 604_800_000),
    inquiryLadderMs: ladder,
    redeliveryLadderMs: ladder,
    timeoutMs: count(50, 600_000),
    concurrency: count(1, 10_000),
    connections: count(1, 1_000),
    pipeline: count(1, 1_000),
    perSecond: count(1, 100_000),
    linkTestMs: count(100, 86_400_000),
  } satisfies { readonly [P in keyof Required<BankPolicy>]: Schema },
  ['perSecond', 'linkTestMs'],
)

/** The JSON Schema of the reference data file. */
export const referenceSchema: Schema = object(
  {
    version: string('^[0-9A-Za-z.-]{1,40}$'),
    banks: list(
      object({
        code: string('^[0-9]{4}$'),
        name,
        policy: policySchema,
      }),
    ),
    treasuries: list(object({ code: treasuryCode, name, clearingNo: string('^[0-9]{1,12}$') })),
    // Level and parent came later as well.
    offices: list(
      object({ code: officeCode, name, treasuryCode, level: { enum: [...levels] }, parent: officeCode }, [
        'treasuryCode',
        'level',
        'parent',
      ]),
    ),
    // The calendar came later, too.
    calendar: calendarSchema,
  },
  ['calendar'],
)

const isReferenceFile = new Ajv2020({ allErrors: true, strict: true }).compile<ReferenceFile>(referenceSchema)

/** Reads the text of a reference data file; a fault names every place that is wrong. */
export const parseReference = (text: string): ReferenceFile => {
  const data: unknown = JSON.parse(text)
  if (isReferenceFile(data)) {
    for (const { code, policy } of data.banks) {
      const [wrong] = wrongPolicy(policy)
      if (wrong) fail('bad-config', `reference data: bank ${code}: ${wrong.en}`)
    }
    for (const office of data.offices) checkParent(office, data.offices)
    const wrong = data.calendar && wrongCalendar(data.calendar)
    if (wrong) fail('bad-config', `reference data: calendar: ${wrong}`)
    return data
  }
  const wrong = (isReferenceFile.errors ?? []).map(e => `${e.instancePath || '/'} ${e.message ?? ''}`)
  return fail('bad-config', `reference data: ${wrong.join('; ')}`)
}

/** What a schema cannot say of a contract: where it is wrong, and why. */
export const wrongPolicy = ({
  concurrency,
  connections,
  pipeline,
  dedupe,
  tombstones,
  reversal,
}: BankPolicy): { readonly name: keyof BankPolicy; readonly zh: string; readonly en: string }[] => {
  const places = connections * pipeline
  return [
    ...(concurrency > places
      ? [
          {
            name: 'concurrency' as const,
            zh: `并发多于各线路合计的 ${places}`,
            en: `the concurrency is more than the ${places} requests on all lines`,
          },
        ]
      : []),
    ...(dedupe === 'tombstone' && (!tombstones || reversal === 'none')
      ? [{ name: 'dedupe' as const, zh: 'tombstone 类须能冲正并保留墓碑', en: 'of class tombstone it must reverse and keep tombstones' }]
      : []),
  ]
}

/** An office stands below one of a higher level, so that the tree has no circle; only the province stands below none. */
const checkParent = ({ code, level, parent }: Office, offices: readonly Office[]): void => {
  if (level === undefined && parent === undefined) return
  const above = offices.find(office => office.code === parent)?.level
  const stands = level === 'province' ? parent === undefined : level && above && levels.indexOf(above) < levels.indexOf(level)
  if (!stands) fail('bad-config', `reference data: office ${code} needs a parent of a higher level; only a province has none`)
}

/** What a version that was loaded before these were asked for has promised of them: nothing. */
const unpromised = { inquiry: true, reversal: 'none', tombstones: false, dayEnd: '00:00' } as const

/**
 * Loads a version into the tables, whole or not at all. The same version with the same bytes changes nothing; the same version with other bytes
 * is refused: a version, once in force, is evidence. Returns whether anything changed.
 */
export const loadReference = (db: Database, text: string, now: Date): Promise<boolean> => {
  const file = parseReference(text)
  const sha256 = createHash('sha256').update(text).digest('hex')
  return db.transaction(async tx => {
    const known = await tx.query<{ sha256: string; current: number | null }>(
      'SELECT sha256, current FROM reference_version WHERE version = ? FOR UPDATE',
      [file.version],
    )
    if (known[0] && known[0].sha256 !== sha256)
      fail('content-differs', `reference data version ${file.version} was loaded with other content; give the new content a new version`)
    if (known[0]?.current === 1) return false
    await keepBanks(tx, file)
    await keepContracts(tx, file)
    await keepAdministrators(tx, file)
    for (const table of ['office', 'treasury', 'bank']) await tx.execute(`DELETE FROM ${table}`)
    await insertAll(
      tx,
      'bank',
      ['code', 'name', 'policy'],
      file.banks.map(b => [b.code, b.name, JSON.stringify(b.policy)]),
    )
    await insertAll(
      tx,
      'treasury',
      ['code', 'name', 'clearing_no'],
      file.treasuries.map(t => [t.code, t.name, t.clearingNo]),
    )
    await insertAll(
      tx,
      'office',
      ['code', 'name', 'treasury_code', 'level', 'parent'],
      file.offices.map(o => [o.code, o.name, o.treasuryCode ?? null, o.level ?? null, o.parent ?? null]),
    )
    await writeCalendar(tx, file.calendar ?? { years: [] })
    await tx.execute('UPDATE reference_version SET current = NULL WHERE current = 1')
    await tx.execute(
      'INSERT INTO reference_version (version, sha256, loaded_at, current) VALUES (?, ?, ?, 1) ON DUPLICATE KEY UPDATE current = 1',
      [file.version, sha256, sqlTime(now)],
    )
    // Whoever loads a file says who sees what, and to which treasury taxes go.
    await appendAudit(tx, {
      at: now,
      actor: 'urn:taxlink:command-line',
      action: 'load-reference',
      subject: `reference/${file.version}`,
      officeCode: undefined,
      detail: JSON.stringify({ sha256 }),
    })
    return true
  })
}

/**
 * A bank once loaded stays in the reference data, suspended or revoked if need be: without its entry nobody would ask it any more about what it may
 * have, nor could anything it booked be given back.
 */
const keepBanks = async (tx: Tx, file: ReferenceFile): Promise<void> => {
  const known = await tx.query<{ code: string }>('SELECT code FROM bank')
  const missing = known.map(row => row.code).filter(code => !file.banks.some(bank => bank.code === code))
  if (missing.length > 0)
    fail(
      'bad-config',
      `reference data: banks that were loaded before are missing: ${missing.join(', ')}; keep them, and suspend them in the registry`,
    )
}

/** A file that takes the province from its administrators would leave it to nobody: two of those there are stay. */
const keepAdministrators = async (tx: Tx, file: ReferenceFile): Promise<void> => {
  const before = await heldAdministrators(tx)
  const offices = file.offices.flatMap(({ code, level }) => (level === 'province' ? [code] : []))
  const left = await heldAdministrators(tx, offices)
  if (left.length < Math.min(2, before.length))
    fail('bad-config', `reference data: the offices of the administrators ${before.join(', ')} must stay those of the province`)
}

/** A contract that two persons have changed is not changed back by a file: the file's stays as it was when they did, and its bank stays. */
const keepContracts = async (tx: Tx, file: ReferenceFile): Promise<void> => {
  const changed = await tx.query<{ code: string; policy: string }>(
    "SELECT code, policy FROM bank WHERE EXISTS (SELECT 1 FROM registry_line WHERE bank_code = code AND event = 'contract')",
  )
  const other = changed.filter(({ code, policy }) => JSON.stringify(file.banks.find(b => b.code === code)?.policy) !== policy)
  if (other.length > 0)
    fail(
      'bad-config',
      `reference data: the contracts of ${other.map(({ code }) => code).join(', ')} are changed by two persons; leave them in, with their policy as it was`,
    )
}

const insertAll = async (tx: Tx, table: string, columns: readonly string[], rows: readonly (readonly Scalar[])[]): Promise<void> => {
  for (const row of rows)
    await tx.execute(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`, row)
}

/** The version in force, without what the registry adds; undefined when none was ever loaded. The shared lock keeps a loader from committing in between. */
export const readReference = (db: Database): Promise<Reference | undefined> =>
  db.transaction(async tx => {
    const [current] = await tx.query<{ version: string }>('SELECT version FROM reference_version WHERE current = 1 LOCK IN SHARE MODE')
    if (!current) return undefined
    const banks = await tx.query<{ code: string; name: string; policy: string }>('SELECT code, name, policy FROM bank')
    const treasuries = await tx.query<Treasury>('SELECT code, name, clearing_no AS clearingNo FROM treasury')
    const offices = await tx.query<{ [K in keyof Office]-?: Exclude<Office[K], undefined> | null }>(
      'SELECT code, name, treasury_code AS treasuryCode, level, parent FROM office',
    )
    return {
      version: current.version,
      banks: new Map(
        banks.map(b => [
          b.code,
          { ...b, policy: { ...unpromised, ...(JSON.parse(b.policy) as BankPolicy) }, province: undefined, cities: new Map() },
        ]),
      ),
      treasuries: new Map(treasuries.map(t => [t.code, t])),
      offices: new Map(offices.map(o => [o.code!, Object.fromEntries(Object.entries(o).filter(([, value]) => value !== null)) as Office])),
      remittance: new Map(),
      calendar: await readCalendar(tx),
    }
  })
