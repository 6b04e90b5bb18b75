import { date, type Fields, message, optional, type ValuesOf } from '@taxlink/bank-sdk'
import { draftedFacts, hear, isStep } from '../domain/agreement-steps.ts'
import { compareHeld, likenessOf, type Particulars } from '../domain/particulars.ts'
import { shanghaiDate } from '../domain/time.ts'
import type { ImportView, LineFault } from '../store/agreement-imports.ts'
import type { NewAgreement } from '../store/agreements.ts'
import {
  type AgreementRegistration,
  agreementRegistration,
  newAgreement,
  particularsOf,
  registrationHash,
  unknownIn,
} from './agreements.ts'
import type { Flow } from './flow.ts'

// 推广期批量绑定: many agreements at once, from a file that is checked whole before any of it is written.

// An exception is for a person to look at, each by itself.
const { exception: _, ...fields } = agreementRegistration.fields
const { taxpayerId, taxpayerName, account, payerBankNo, officeCode } = fields
const heldFields = {
  heldTaxpayerId: optional(taxpayerId),
  heldTaxpayerName: optional(taxpayerName),
  heldOfficeCode: optional(officeCode),
  heldPayerBankNo: optional(payerBankNo),
  heldAccount: optional(account),
} satisfies Fields
/** One row of an import: a registration, and where the bank has bound it on paper already, when, and what it holds. */
export const importRow = message('agreement.import-row', '批量登记的一行', 'one row of an import of agreements', {
  ...fields,
  boundOn: optional(date('银行绑定日期(纸质期间已绑定的)', 'day on which the bank bound it, on paper')),
  ...heldFields,
})
/** A row, valid by its schema. */
export type ImportRow = ValuesOf<typeof importRow>

/** The most rows of one file. */
export const mostRows = 200_000
/** The most lines that a report names. */
const mostFaults = 1_000
const chunk = 512

/** What a line says; or the faults where it says nothing that can be taken. */
export type ImportLine = { readonly row: ImportRow } | { readonly faults: readonly Omit<LineFault, 'line'>[] }
/** A file of rows: how many lines it has, and what they say, read as they are needed. */
export type ImportFile = {
  readonly sha256: Buffer
  readonly rows: number
  read(from: number, count: number): Promise<readonly ImportLine[]>
}

const fault = (code: string, zh: string, en: string, pointer = ''): Omit<LineFault, 'line'> => ({ pointer, code, zh, en })

const otherContent = fault('content-differs', '协议书号已用于其他内容', 'the number was used for other content', '/agreementNo')

/** What is wrong with a file, line by line: the rows by themselves, beside each other, and beside the record. */
export const checkFile = async (flow: Flow, taxSystem: string, file: ImportFile, now: Date): Promise<LineFault[]> => {
  const found: LineFault[] = []
  const numbers = new Map<string, number>()
  const taxpayers = new Map<string, number>()
  const tell = (i: number, faults: readonly Omit<LineFault, 'line'>[]) => {
    for (const each of faults) if (found.length < mostFaults) found.push({ line: i + 1, ...each })
  }
  if (file.rows > mostRows)
    return [{ line: mostRows + 1, ...fault('too-many', '超过二十万行,请分批', 'more than 200,000 rows: send several files') }]
  for (let at = 0; at < file.rows && found.length < mostFaults; at += chunk) {
    const rows: { readonly i: number; readonly row: ImportRow }[] = []
    for (const [k, read] of (await file.read(at, Math.min(chunk, file.rows - at))).entries()) {
      const i = at + k
      if ('faults' in read) tell(i, read.faults)
      else {
        tell(i, [...wrongIn(flow, read.row, now), ...twice(numbers, taxpayers, read.row, i)])
        rows.push({ i, row: read.row })
      }
    }
    const standing = await flow.store.agreements.standing(
      rows.map(({ row }) => row.agreementNo),
      rows.map(({ row }) => row.taxpayerId),
    )
    for (const { i, row } of rows) {
      const known = standing.numbers.get(row.agreementNo)
      if (known) {
        if (known.taxSystem !== taxSystem || !known.contentHash.equals(registrationHash(row))) tell(i, [otherContent])
      } else if (standing.taxpayers.has(`${row.taxpayerId}/${row.officeCode}`))
        tell(i, [
          fault('another-in-force', '该纳税人在本机关已有三方协议', 'the taxpayer has an agreement with this office', '/taxpayerId'),
        ])
    }
    // Whoever else is served by this process is not kept waiting by a long file.
    await flow.pause(0)
  }
  return found
}

const wrongIn = (flow: Flow, row: ImportRow, now: Date): Omit<LineFault, 'line'>[] => [
  ...unknownIn(flow.reference(), row).map(({ field, rule, zh, en }) => fault(rule, zh, en, `/${field}`)),
  ...(row.boundOn === undefined || row.boundOn <= shanghaiDate(now)
    ? []
    : [fault('day-ahead', '绑定日期尚未到', 'the day of the binding has not come', '/boundOn')]),
  ...(row.boundOn === undefined || row.approvedBy !== undefined
    ? []
    : [fault('not-approved', '已绑定的须注明县局审批人', 'what is bound was approved by somebody', '/approvedBy')]),
]

const twice = (
  numbers: Map<string, number>,
  taxpayers: Map<string, number>,
  { agreementNo, taxpayerId: id, officeCode: office }: ImportRow,
  i: number,
): Omit<LineFault, 'line'>[] => {
  const found: Omit<LineFault, 'line'>[] = []
  const once = (seen: Map<string, number>, key: string, pointer: string) => {
    const first = seen.get(key)
    if (first === undefined) seen.set(key, i)
    else found.push(fault('twice', `与第 ${first + 1} 行重复`, `the same as in line ${first + 1}`, pointer))
  }
  once(numbers, agreementNo, '/agreementNo')
  once(taxpayers, `${id}/${office}`, '/taxpayerId')
  return found
}

const heldOf = (row: ImportRow): Partial<Particulars> =>
  Object.fromEntries(
    Object.entries({
      taxpayerId: row.heldTaxpayerId,
      taxpayerName: row.heldTaxpayerName,
      officeCode: row.heldOfficeCode,
      branch: row.heldPayerBankNo,
      account: row.heldAccount,
    }).filter(([, value]) => value !== undefined),
  )

/** A row as an agreement: with the bank's word where it has bound it on paper. */
const agreementOf = (id: number, taxSystem: string, row: ImportRow, now: Date): NewAgreement => {
  const registration: AgreementRegistration = row.boundOn === undefined ? row : { ...row, delivery: 'paper' }
  const made = { ...newAgreement(id, taxSystem, registration, now), contentHash: registrationHash(row) }
  if (row.boundOn === undefined) return made
  const held = heldOf(row)
  const ours = particularsOf(row)
  const comparison = compareHeld(ours, held)
  const state = made.steps.at(-1)?.step.to ?? 'drafted'
  const step = hear({ ...draftedFacts(ours, true), state }, { bound: true, held, boundOn: row.boundOn, credentialIssued: false }, now)
  if (step === 'repeated' || !isStep(step)) return made
  const bound = { ...step, changes: { ...step.changes, likeness: likenessOf(comparison) } }
  return {
    ...made,
    steps: [...made.steps, { step: bound, actor: `bank ${row.bankCode}`, reason: 'bound on paper, by the file' }],
    ...(Object.keys(held).length > 0 ? { held: { source: 'import', held, comparison } } : {}),
  }
}

/**
 * Writes what is not there yet of a file that was checked, chunk by chunk; after a break it goes on where it stood. A number that somebody has used for
 * something else since the check is left as it is, and told.
 */
export const writeFile = async (flow: Flow, begun: ImportView, file: ImportFile): Promise<void> => {
  const { agreements } = flow.store
  for (let at = Math.floor(begun.written / chunk) * chunk; at < file.rows; at += chunk) {
    const size = Math.min(chunk, file.rows - at)
    const [first, lines] = [await agreements.takeAgreementIds(size), await file.read(at, size)]
    const made = lines.map((read, k) => {
      if ('faults' in read) throw new Error('a row that was checked cannot be read any more')
      return agreementOf(first + k, begun.taxSystem, read.row, begun.startedAt)
    })
    await agreements.writeChunk(begun.id, made, at + size, k => ({ line: at + k + 1, ...otherContent }))
    await flow.pause(0)
  }
  await agreements.endImport(begun.id, flow.clock())
}
