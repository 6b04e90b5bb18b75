import { hash } from 'node:crypto'
import type { Objection } from '../domain/proposal.ts'
import {
  type Dossier,
  dossierOf,
  type Figures,
  type LineContent,
  type Moved,
  type Registry,
  type RegistryLine,
  registryOf,
} from '../domain/registry.ts'
import { appendAudit } from './audit.ts'
import { carefully } from './beside.ts'
import type { Database, Scalar, Tx } from './database.ts'
import { readFigures } from './figures.ts'
import type { Actor } from './linked.ts'
import { sqlTime, within } from './rows.ts'

/** A line as somebody wants it written. */
export type NewLine = {
  readonly bankCode: string
  readonly cityCode: string | undefined
  readonly event: RegistryLine['event']
  readonly content: LineContent
}
/** How a line is judged under the lock of its bank: the state it leads to, or what stands against it. */
export type JudgeLine = (dossier: Dossier, now: Date) => Moved
/** What became of an order: `repeated` where the same person gave the same under this number, `differs` where it was something else. */
export type LineOrdered =
  | { readonly kind: 'written' | 'repeated'; readonly line: RegistryLine }
  | { readonly kind: 'differs'; readonly line: RegistryLine; readonly hash: string }
  | { readonly kind: 'objected'; readonly objection: Objection }
/** What a list of lines may be narrowed by; `cityCode` empty: the province. */
export type LineFilter = {
  readonly bankCode?: string | undefined
  readonly cityCode?: string | undefined
  /** Only those about one of these. */
  readonly offices?: readonly string[] | undefined
}

/** The banks' registry. */
export type RegistryStore = {
  /** The registry as it stands; `known` itself where nothing was added since. */
  read(known?: Registry): Promise<Registry>
  /** What it holds about one bank. */
  dossier(bankCode: string): Promise<Dossier>
  /** Writes a line that one person may write. */
  add(line: NewLine, orderNo: string, judge: JudgeLine, by: Actor): Promise<LineOrdered>
  /** What this person ordered under this number, compared with `line`. */
  findOrder(actor: string, orderNo: string, line: NewLine): Promise<LineOrdered | undefined>
  /** What a bank did with the debits of these offices from one day to another. */
  figures(bankCode: string, offices: readonly string[], from: string, to: string): Promise<Figures>
  /** Lines after `afterId`, in their order, at most `limit`. */
  list(filter: LineFilter, afterId: number, limit: number): Promise<RegistryLine[]>
}

type Row = {
  id: number
  bankCode: string
  cityCode: string
  seq: number
  event: string
  state: string
  content: string
  actor: string
  at: Date
  proposalId: number | null
}
type Read = RegistryLine & { readonly seq: number }
const select = `SELECT id, bank_code AS bankCode, city_code AS cityCode, seq, event, to_state AS state, content, actor, at,
  proposal_id AS proposalId FROM registry_line`

const lineOf = ({ cityCode, proposalId, content, event, ...row }: Row): Read => ({
  ...row,
  event: event as RegistryLine['event'],
  cityCode: cityCode === '' ? undefined : cityCode,
  content: JSON.parse(content) as LineContent,
  proposalId: proposalId ?? undefined,
})
const read = async (tx: Pick<Tx, 'query'>, where: string, params: readonly Scalar[]): Promise<Read[]> =>
  (await tx.query<Row>(`${select} WHERE ${where}`, params)).map(lineOf)

/** Opens the registry over `db`. */
export const openRegistry = (db: Database): RegistryStore => ({
  read: async known => {
    // Lines are only added, so that their number tells of every change, whichever transaction was the first to end.
    const [counted] = await db.query<{ lines: number }>('SELECT COUNT(*) AS `lines` FROM registry_line')
    return known && counted?.lines === known.lines ? known : registryOf(await read(db, 'TRUE ORDER BY id', []))
  },
  dossier: async bankCode => dossierOf(await read(db, 'bank_code = ? ORDER BY id', [bankCode])),
  findOrder: async (actor, orderNo, line) => {
    const [known] = await read(db, 'actor = ? AND order_no = ?', [actor, orderNo])
    return known && again(known, line)
  },
  add: (line, orderNo, judge, by) =>
    carefully(() =>
      db.transaction(async (tx): Promise<LineOrdered> => {
        // Under the lock of the bank, so that the same order given twice at once is not judged by what it has done itself.
        await tx.query('SELECT id FROM registry_line WHERE bank_code = ? FOR UPDATE', [line.bankCode])
        const [known] = await read(tx, 'actor = ? AND order_no = ? FOR UPDATE', [by.actor, orderNo])
        if (known) return again(known, line)
        const written = await writeLine(tx, line, judge, by, { orderNo })
        if ('rule' in written) return { kind: 'objected', objection: written }
        await audit(tx, written)
        return { kind: 'written', line: written }
      }),
    ),
  figures: (bankCode, offices, from, to) => readFigures(db, bankCode, offices, from, to),
  list: ({ bankCode, cityCode, offices }, afterId, limit) => {
    const narrowed: [string, string | undefined][] = [
      ['bank_code', bankCode],
      ['city_code', cityCode],
    ]
    const given = narrowed.flatMap(([column, value]) => (value === undefined ? [] : [{ where: `${column} = ?`, value }]))
    const where = ['id > ?', ...given.map(each => each.where), ...within('city_code', offices)].join(' AND ')
    return read(db, `${where} ORDER BY id LIMIT ?`, [afterId, ...given.map(each => each.value), ...(offices ?? []), limit])
  },
})

const again = (known: Read, line: NewLine): LineOrdered => {
  const hashed = orderHash(line)
  return orderHash(known) === hashed ? { kind: 'repeated', line: known } : { kind: 'differs', line: known, hash: hashed }
}
/** SHA-256 of what somebody said a line is to say: without what was measured then. */
export const orderHash = ({ bankCode, cityCode, event, content: { figures: _measured, ...content } }: NewLine): string =>
  lineHash({ bankCode, cityCode, event, content })

/** A line of one person in the audit journal; what two persons decide stands there as their proposal. The line holds what was said, the hash binds it. */
const audit = (tx: Tx, line: RegistryLine): Promise<void> =>
  appendAudit(tx, {
    at: line.at,
    actor: line.actor,
    action: 'register',
    subject: `registry-line/${line.id}`,
    officeCode: line.cityCode,
    detail: JSON.stringify({ bankCode: line.bankCode, event: line.event, state: line.state, hash: lineHash(line) }),
  })

/** SHA-256 of what a line says, hexadecimal. */
export const lineHash = ({ bankCode, cityCode, event, content }: NewLine): string =>
  hash('sha256', JSON.stringify([bankCode, cityCode ?? null, event, content]), 'hex')

/** Writes a line within a transaction, under the lock of its bank: of two about one bank the second is judged by what the first has left. */
export const writeLine = async (
  tx: Tx,
  { bankCode, cityCode, event, content }: NewLine,
  judge: JudgeLine,
  { now, actor }: Actor,
  by: { readonly orderNo: string } | { readonly proposalId: number },
): Promise<RegistryLine | Objection> => {
  const before = await read(tx, 'bank_code = ? ORDER BY id FOR UPDATE', [bankCode])
  const moved = judge(dossierOf(before), now)
  if ('rule' in moved) return moved
  const last = before.findLast(line => line.cityCode === cityCode)
  const [orderNo, proposalId] = 'orderNo' in by ? [by.orderNo, null] : [null, by.proposalId]
  const { insertId } = await tx.execute(
    `INSERT INTO registry_line (bank_code, city_code, seq, event, from_state, to_state, content, actor, at, proposal_id, order_no)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      bankCode,
      cityCode ?? '',
      (last?.seq ?? 0) + 1,
      event,
      last?.state ?? '',
      moved.state,
      JSON.stringify(content),
      actor,
      sqlTime(now),
      proposalId,
      orderNo,
    ],
  )
  const [written] = await read(tx, 'id = ?', [insertId])
  return written!
}
