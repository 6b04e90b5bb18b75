import { hash } from 'node:crypto'
import type { AuditRow } from '../domain/audit.ts'
import type { LineContent } from '../domain/registry.ts'
import type { Database } from './database.ts'
import { lineHash } from './registry.ts'

/** A row of the record that is not as the audit journal tells of it. `unknown`: the journal does not know it; `missing`: the record has it no more. */
export type Mismatch = { readonly subject: string; readonly what: 'unknown' | 'differs' | 'missing' }

/** What the audit journal tells of proposals, of lines of the registry and of accounts, to be held against what the record has of them. */
export type Vouching = {
  /** The next row of the journal, in its order. */
  hear(row: AuditRow): void
  /** The first row of the record that is not as was told. */
  mismatch(): Promise<Mismatch | undefined>
}

type ToldProposal = { readonly hash: string; readonly state: string; readonly by: string | null }
const states: { readonly [action: string]: string } = {
  propose: 'proposed',
  approve: 'approved',
  reject: 'rejected',
  withdraw: 'withdrawn',
  expire: 'expired',
}
const commandLine = 'urn:taxlink:command-line'

/** Opens what is to be vouched for over `db`. What is older than the journal is not held against it. */
export const openVouching = (db: Database): Vouching => {
  let began: Date | undefined
  let last = 0
  const proposals = new Map<number, ToldProposal>()
  const lines = new Map<number, string>()
  const accounts = new Map<string, string>()
  return {
    hear: ({ seq, at, actor, action, subject, officeCode, detail }) => {
      began ??= at
      last = seq
      const [kind, id = ''] = subject.split('/')
      const state = states[action]
      if (kind === 'proposal' && state !== undefined) {
        const { hash: told } = JSON.parse(detail) as { readonly hash: string }
        proposals.set(Number(id), { hash: told, state, by: action === 'propose' || action === 'expire' ? null : actor })
      }
      if (kind === 'registry-line' && action === 'register')
        lines.set(Number(id), JSON.stringify([actor, (JSON.parse(detail) as { hash: string }).hash]))
      if (action === 'add-operator' && actor === commandLine)
        accounts.set(id, JSON.stringify([officeCode, (JSON.parse(detail) as { duties: string[] }).duties.join(',')]))
    },
    mismatch: async () => {
      const since = began ?? new Date(0)
      // What has been done since the journal was read stands further on in it: that is the business of the next time.
      const isLater: IsLater = async ({ subject }) =>
        (await db.query('SELECT 1 FROM audit WHERE subject = ? AND seq > ? LIMIT 1', [subject, last])).length > 0
      return (
        (await proposalThatDiffers(db, proposals, since, isLater)) ??
        (await lineThatDiffers(db, lines, since, isLater)) ??
        (await accountThatDiffers(db, accounts, isLater))
      )
    },
  }
}

type IsLater = (found: Mismatch) => Promise<boolean>
const at = (subject: string, what: Mismatch['what']): Mismatch => ({ subject, what })
/** Rows that are read at a time. */
const chunk = 1_000
/** Reads rows in the order of their id, in chunks; what `check` finds first. */
const through = async <T extends { readonly id: number }>(
  db: Database,
  select: string,
  check: (row: T) => Mismatch | undefined,
  isLater: IsLater,
): Promise<Mismatch | undefined> => {
  for (let after = 0; ; ) {
    const rows = await db.query<T>(`${select} ORDER BY id LIMIT ${chunk}`, [after])
    for (const row of rows) {
      const found = check(row)
      if (found && !(await isLater(found))) return found
    }
    const last = rows.at(-1)
    if (!last) return undefined
    after = last.id
  }
}
const firstLeft = (kind: string, left: ReadonlySet<number>): Mismatch | undefined => {
  const [id] = left
  return id === undefined ? undefined : at(`${kind}/${id}`, 'missing')
}

type ProposalRow = {
  id: number
  kind: string
  content: string
  evidence: string
  state: string
  decidedBy: string | null
  proposedAt: Date
}
const proposalThatDiffers = async (
  db: Database,
  told: ReadonlyMap<number, ToldProposal>,
  since: Date,
  isLater: IsLater,
): Promise<Mismatch | undefined> => {
  const left = new Set(told.keys())
  const found = await through<ProposalRow>(
    db,
    'SELECT id, kind, content, evidence, state, decided_by AS decidedBy, proposed_at AS proposedAt FROM proposal WHERE id > ?',
    ({ id, kind, content, evidence, state, decidedBy, proposedAt }) => {
      left.delete(id)
      const known = told.get(id)
      if (!known) return proposedAt < since ? undefined : at(`proposal/${id}`, 'unknown')
      const own = hash('sha256', JSON.stringify([kind, Object.entries(JSON.parse(content) as object), evidence]), 'hex')
      return own === known.hash && state === known.state && decidedBy === known.by ? undefined : at(`proposal/${id}`, 'differs')
    },
    isLater,
  )
  return found ?? firstLeft('proposal', left)
}

type LineRow = {
  id: number
  bankCode: string
  cityCode: string
  event: 'evidence'
  content: string
  actor: string
  at: Date
  proposalId: number | null
  approved: string | null
  approvedBy: string | null
}
/** What one person entered is what the journal tells, what two decided is what they approved. */
const lineThatDiffers = async (
  db: Database,
  told: ReadonlyMap<number, string>,
  since: Date,
  isLater: IsLater,
): Promise<Mismatch | undefined> => {
  const left = new Set(told.keys())
  const found = await through<LineRow>(
    db,
    `SELECT l.id, l.bank_code AS bankCode, l.city_code AS cityCode, l.event, l.content, l.actor, l.at, l.proposal_id AS proposalId,
       p.content AS approved, p.decided_by AS approvedBy
     FROM registry_line l LEFT JOIN proposal p ON p.id = l.proposal_id AND p.state = 'approved' WHERE l.id > ?`,
    ({ id, bankCode, cityCode, event, content, actor, at: then, proposalId, approved, approvedBy }) => {
      left.delete(id)
      const subject = `registry-line/${id}`
      if (proposalId !== null) return content === approved && actor === approvedBy ? undefined : at(subject, 'differs')
      const known = told.get(id)
      if (known === undefined) return then < since ? undefined : at(subject, 'unknown')
      const line = { bankCode, cityCode: cityCode === '' ? undefined : cityCode, event, content: JSON.parse(content) as LineContent }
      return JSON.stringify([actor, lineHash(line)]) === known ? undefined : at(subject, 'differs')
    },
    isLater,
  )
  return found ?? firstLeft('registry-line', left)
}

type AccountRow = {
  name: string
  displayName: string
  office: string
  duties: string
  state: string
  proposalId: number | null
  approved: string | null
}
/** An account is what two administrators approved last, or what was made of it at the command line. */
const accountThatDiffers = async (db: Database, told: ReadonlyMap<string, string>, isLater: IsLater): Promise<Mismatch | undefined> => {
  const rows = await db.query<AccountRow>(
    `SELECT o.name, o.display_name AS displayName, o.office_code AS office, o.duties, o.state, o.proposal_id AS proposalId, p.content AS approved
     FROM operator o LEFT JOIN proposal p ON p.id = o.proposal_id AND p.state = 'approved' ORDER BY o.name`,
  )
  for (const { name, displayName, office, duties, state, proposalId, approved } of rows) {
    const subject = `operator/${name}`
    if (proposalId === null) {
      const known = told.get(name)
      // Where none came by the command line they are of a laptop or a test.
      if (known === undefined && told.size > 0) {
        const found = at(subject, 'unknown')
        if (!(await isLater(found))) return found
      }
      if (known !== undefined && (known !== JSON.stringify([office, duties]) || state !== 'enabled')) return at(subject, 'differs')
      continue
    }
    const own = JSON.stringify([name, displayName, office, duties, state])
    const said = JSON.parse(approved ?? '{}') as { readonly [field: string]: string | undefined }
    if (own !== JSON.stringify([said.name, said.displayName, said.officeCode, said.duties, said.state ?? 'enabled']))
      return at(subject, 'differs')
  }
  const gone = [...told.keys()].find(name => !rows.some(row => row.name === name))
  return gone === undefined ? undefined : at(`operator/${gone}`, 'missing')
}
