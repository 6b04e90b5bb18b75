import { createHash } from 'node:crypto'
import { contradiction, recordedOf } from '../../../gateway/domain/break.ts'
import { operatorUri } from '../../../gateway/domain/operator.ts'
import { type Act, judge } from '../../../gateway/domain/proposal.ts'
import type { Reference } from '../../../gateway/domain/reference.ts'
import { movementOf } from '../../../gateway/domain/ticket.ts'
import { later, shanghaiTime } from '../../../gateway/domain/time.ts'
import { proposalKinds } from '../../../gateway/flows/kinds.ts'
import type { Database } from '../../../gateway/store/database.ts'
import type { Instruction } from '../../../gateway/store/debits.ts'
import type { Decided, Deciding, Deeds, NewProposal, Proposal } from '../../../gateway/store/proposals.ts'
import { ticketOf } from '../linked.ts'
import { accountOf, decide, propose } from '../proposals.ts'
import type { ProposalRow } from '../rows.ts'
import { askBoth, type Both, nothing, type Step } from './both.ts'
import { banks, type Draw } from './draw.ts'
import type { Fate } from './unsure.ts'

const names = ['zhang', 'li', 'wang'] as const
const told = ({ kind, subject }: Pick<NewProposal, 'kind' | 'subject'>): string => `${kind} ${subject}`

/** Gives the persons of the simulation accounts in the real record. */
export const enlist = async (db: Database): Promise<void> => {
  for (const { name, displayName, office, duties } of names.map(each => accountOf(each)!))
    await db.execute(
      "INSERT INTO operator (name, display_name, office_code, duties, state, created_at) VALUES (?, ?, ?, ?, 'enabled', '2026-01-01')",
      [name, displayName, office, duties.join(',')],
    )
}

type What = { readonly kind: keyof typeof proposalKinds; readonly content: NewProposal['content']; readonly about?: Instruction }

/** What two persons do, and what each of them tries. */
export class PersonSteps {
  readonly #draw: Draw
  readonly #both: Both
  readonly #fate: () => Fate | undefined

  constructor(draw: Draw, both: Both, fate: () => Fate | undefined) {
    this.#draw = draw
    this.#both = both
    this.#fate = fate
  }

  async propose(now: Date): Promise<Step> {
    const { store, record } = this.#both
    const { random } = this.#draw
    const what = this.#what(now)
    if (!what) return nothing
    const { kind, content, about } = what
    const evidence = random.pick(['the books of the bank, 6222 0212 3456 7890', '𠮷'.repeat(random.whole(150, 300))])
    const proposal: NewProposal = {
      kind,
      subject: proposalKinds[kind].subject(content),
      about: about && { ticketNo: about.ticketNo, instructionId: about.id, lastSentAt: about.lastSentAt },
      officeCode: about?.officeCode,
      orderNo: `P${random.whole(1, 60)}`,
      content,
      evidence,
      hash: createHash('sha256')
        .update(JSON.stringify([kind, content, evidence]))
        .digest('hex'),
      proposedBy: operatorUri(random.pick(names)),
      proposedAt: now,
      expiresAt: later(now, random.whole(60_000, 1_800_000)),
    }
    const { said, met, ...both } = await askBoth(
      this.#both,
      () => undefined,
      this.#fate(),
      () => store.proposals.propose(proposal, told),
      () => propose(record.tables, proposal),
    )
    return { kinds: [`propose ${said === 'refused' ? said : said.kind}`, `propose ${met}`], ...both, ticketNo: about?.ticketNo }
  }

  #what(now: Date): What | undefined {
    const { random } = this.#draw
    const bankCode = random.pick(banks)
    switch (random.whole(0, 4)) {
      case 0:
      case 4:
        return this.#both.record.tables.halt.has(bankCode) !== random.percent(15)
          ? { kind: 'resume-bank', content: { bankCode } }
          : { kind: 'halt-bank', content: { bankCode, reason: '核心系统升级' } }
      case 1:
        return this.#difference()
      default:
        return this.#finding(now)
    }
  }

  /** What became of a doubt. */
  #finding(now: Date): What | undefined {
    const { random } = this.#draw
    const isOwn = random.percent(40)
    const about = this.#draw.some(row => row.state === 'unknown' && (!isOwn || row.reason === 'in-doubt'))
    if (!about) return undefined
    const { officeCode, entrustDate, serialNo, amount } = about
    const key = { officeCode, entrustDate, serialNo }
    const moved = { decision: 'succeeded', amount: random.pick([amount, amount, amount + 1, amount - 1, 0]) }
    const content = random.percent(60)
      ? { ...key, ...moved, bankSerial: 'B2', accountingDate: '2026-11-10' }
      : { ...key, decision: 'refused', code: '24004', checkedAt: shanghaiTime(now) }
    return { kind: 'resolve-doubt', content, about }
  }

  /** How record and bank differ, mostly as the record has it. */
  #difference(): What | undefined {
    const { random } = this.#draw
    const { tables } = this.#both.record
    const about = this.#draw.some(row => row.state === 'succeeded')
    const ticket = about && ticketOf(tables, about.ticketNo)
    const own = ticket && movementOf(ticket, about.id)
    if (!own) return undefined
    const { officeCode, entrustDate, serialNo } = about
    const bankAmount = random.pick([0, own.amount, own.amount + 5, own.amount - 1])
    const said = { state: bankAmount > 0 ? ('succeeded' as const) : ('refused' as const), code: '', amount: bankAmount }
    const found = contradiction(recordedOf(ticket, own), said)
    const { kind, taxAmount } = found ?? { kind: 'bank-only', taxAmount: 0 }
    return { kind: 'declare-break', content: { officeCode, entrustDate, serialNo, kind, taxAmount, bankAmount }, about }
  }

  async decide(now: Date): Promise<Step> {
    const { store, record } = this.#both
    const { random } = this.#draw
    const { proposal: rows } = record.tables
    const open = rows.filter(row => row.state === 'proposed')
    const row = random.pick(open.length > 0 && random.percent(80) ? open.slice(random.percent(60) ? -1 : 0) : rows)
    const id = row && random.percent(97) ? row.id : rows.length + 1
    const act = this.#act(row, now)
    // Whoever decides may have a clock that is behind.
    const at = random.percent(85) ? now : later(now, -random.whole(0, 120_000))
    const reason = act.event === 'expire' ? undefined : random.pick([undefined, '已核对'])
    const { said, met, ...both } = await askBoth(
      this.#both,
      (...asked: readonly unknown[]) => void asked,
      this.#fate(),
      heard => store.proposals.decide(id, { ...deciding(act, reason, at, heard), told }),
      heard => decide(record.tables, id, { ...deciding(act, reason, at, heard), told }),
    )
    const label = decidedAs(said)
    const kinds = [
      `decide ${label}`,
      `decide ${met}`,
      ...(said !== 'refused' && said.kind === 'decided' ? [act.event, `${act.event} ${row?.kind}`] : []),
    ]
    return { kinds, ...both, ticketNo: row?.about?.ticketNo }
  }

  #act(row: ProposalRow | undefined, now: Date): Act {
    const { random } = this.#draw
    if (row && row.expiresAt <= now && random.percent(50)) return { event: 'expire' }
    const others = names.map(operatorUri).filter(uri => uri !== row?.proposedBy)
    switch (random.whole(0, 9)) {
      case 0:
        return { event: 'expire' }
      case 1:
        return { event: 'withdraw', by: row && random.percent(70) ? row.proposedBy : operatorUri('li') }
      case 2:
        return { event: 'reject', by: random.pick(others) }
      case 3:
        return { event: 'approve', by: random.pick(others), hash: '00'.repeat(32) }
      case 4:
        return { event: 'approve', by: operatorUri(random.pick(names)), hash: row?.hash ?? '' }
      default:
        return { event: 'approve', by: random.pick(others), hash: row?.hash ?? '' }
    }
  }
}

const decidedAs = (said: Decided | 'refused'): string =>
  said === 'refused' ? said : said.kind === 'refused' ? `refused ${said.why}` : said.kind

/** As the flow decides, with all that the record shows of it heard. */
const deciding = (act: Act, reason: string | undefined, now: Date, heard: (...asked: unknown[]) => void): Omit<Deciding, 'told'> => ({
  act,
  now,
  reason,
  judge: (proposal, accounts) => {
    heard('judge', proposal, accounts(proposal.proposedBy), act.event === 'expire' ? undefined : accounts(act.by))
    return judge(proposal, act, kindOf(proposal), now)
  },
  apply: (deeds, proposal) =>
    kindOf(proposal).apply(overheard(deeds, heard), proposal.content, {
      proposalId: proposal.id,
      proposedBy: proposal.proposedBy,
      proposedAt: proposal.proposedAt,
      lastSentAt: proposal.about?.lastSentAt,
      reference: new Proxy({} as Reference, { get: unasked }),
      printKey: unasked,
    }),
})
const kindOf = ({ kind }: Proposal) => proposalKinds[kind as keyof typeof proposalKinds]
const unasked = (): never => {
  throw new Error('none of these asks for it')
}

const overheard = (deeds: Deeds, heard: (...asked: unknown[]) => void): Deeds => ({
  ...deeds,
  resolve: (resolution, objects) =>
    deeds.resolve(resolution, (own, said) => {
      heard('resolve', own, said)
      return objects(own, said)
    }),
  declareBreak: (found, objects) =>
    deeds.declareBreak(found, (own, ticket) => {
      heard('declare', own, ticket)
      return objects(own, ticket)
    }),
})
