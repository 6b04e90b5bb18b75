import { outcomes } from '@taxlink/bank-sdk'
import type { Entry } from '../../conformance/simulator/ledger.ts'
import { operatorOf, operatorUri } from '../../gateway/domain/operator.ts'
import { shanghaiTime } from '../../gateway/domain/time.ts'
import type { ProposalKindName } from '../../gateway/flows/kinds.ts'
import { approve, type ProposalOrder, propose, reject } from '../../gateway/flows/proposals.ts'
import type { City } from './city.ts'
import type { Parts } from './parts.ts'
import { minute } from './plan.ts'
import { accountOf } from './proposals.ts'
import { type InstructionRow, keyOf } from './rows.ts'

type Content = ProposalOrder['content']

/** Two persons at work: they end doubts by the banks' books, and halt a bank now and then; sometimes they try what they must not. */
export const startPersons = (city: City): Persons | undefined => {
  const { world, plan } = city
  if (!plan.persons) return undefined
  const persons = new Persons(city)
  const look = (): void => {
    persons.look()
    world.after(minute + world.random.next() * 20 * minute, look)
  }
  world.after(world.random.next() * 20 * minute, look)
  return persons
}

/** The persons of a city. */
export class Persons {
  readonly #city: City
  /** What is being proposed, by kind and subject. */
  readonly #busy = new Set<string>()
  /** What was found out of an instruction, and not proposed at once. */
  readonly #notes = new Map<number, Content>()
  #orders = 0

  constructor(city: City) {
    this.#city = city
  }

  /** One round: what lies before a person is looked up in the bank's books, and who is halted long enough is resumed. */
  look(): void {
    const { world, record, banks, plan, healedAt } = this.#city
    const { random } = world
    const doubts = [...record.tables.instruction.values()].filter(row => row.person === 1 && row.state === 'unknown' && random.percent(60))
    const books = doubts.length === 0 ? new Map<string, Entry>() : this.#books()
    for (const row of doubts) {
      const old = random.percent(50) ? this.#notes.get(row.id) : undefined
      const content = old ?? this.#finding(row, books.get(keyOf(row)))
      if (content) this.#order('resolve-doubt', keyOf(row), content)
    }
    const isHealed = healedAt <= world.now
    for (const bankCode of banks.keys()) {
      const isHalted = record.tables.halt.has(bankCode)
      if (isHalted && (isHealed || random.percent(50))) this.#order('resume-bank', bankCode, { bankCode })
      else if (!isHalted && !isHealed && !plan.calm && random.percent(4))
        this.#order('halt-bank', bankCode, { bankCode, reason: '核心系统升级' })
    }
  }

  /** What the bank does not have now somebody writes down; it may be sent again before that is proposed. */
  writeDown(instructionId: number): void {
    const row = this.#city.record.tables.instruction.get(instructionId)!
    const content = this.#finding(row, this.#books().get(keyOf(row)))
    if (content) this.#notes.set(instructionId, content)
  }

  /** What the banks have booked, by key. */
  #books(): ReadonlyMap<string, Entry> {
    return new Map([...this.#city.banks.values()].flatMap(({ ledger }) => [...ledger.entries()].map(entry => [entry.key, entry])))
  }

  /** What the bank's books say of a doubt; undefined: nothing that would hold for good, because something may still arrive. */
  #finding(row: InstructionRow, entry: Entry | undefined): Content | undefined {
    const { world, plan, banks } = this.#city
    const key = { officeCode: row.office_code, entrustDate: row.entrust_date, serialNo: row.serial_no }
    if (banks.get(row.bank_code)!.lies.has(keyOf(row))) return undefined
    if (entry)
      return { ...key, decision: 'succeeded', amount: entry.amount, bankSerial: entry.serial, accountingDate: entry.accountingDate }
    if (world.now < plan.network.underWayUntil + 10 * minute) return undefined
    // What the bank has in hand it may yet book: its clerk would say so.
    const { code } = banks.get(row.bank_code)!.ledger.inquire({ ...key, ticketNo: row.ticket_no, workDate: row.entrust_date })
    if (outcomes[code].class === 'in-progress') return undefined
    return { ...key, decision: 'refused', code: '24004', checkedAt: shanghaiTime(new Date(world.now)) }
  }

  /** One proposes, another approves; both try until they are answered. */
  #order(kind: ProposalKindName, subject: string, content: Content): void {
    const { world } = this.#city
    const { random } = world
    const what = `${kind}/${subject}`
    if (this.#busy.has(what)) return
    this.#busy.add(what)
    const over = (): void => void this.#busy.delete(what)
    const orderNo = `P${++this.#orders}`
    const [first, second] = random.pick([
      ['zhang', 'li'],
      ['li', 'wang'],
      ['wang', 'zhang'],
    ] as const)
    const order: ProposalOrder = { orderNo, kind, content, evidence: 'the books of the bank' }
    const proposing = async ({ flow }: Parts): Promise<() => void> => {
      const proposed = await propose(flow, operatorOf(flow.reference(), accountOf(first))!, order, flow.clock())
      world.trace.add(world.now, first, `proposes ${kind}: ${proposed.kind}`, subject)
      if (proposed.kind !== 'proposed' && proposed.kind !== 'repeated') return over
      const { id, hash } = proposed.proposal
      return () => world.after(random.next() * 10 * minute, () => this.#decide(id, hash, first, second, over))
    }
    this.#city.taxSide.have(proposing)
  }

  #decide(id: number, hash: string, first: string, second: string, over: () => void): void {
    const { world, taxSide } = this.#city
    const { random } = world
    const say = (who: string, what: string) => world.trace.add(world.now, who, what, id)
    // What must not be possible: to approve one's own, or something else than what was proposed.
    if (random.percent(20))
      taxSide.have(async ({ flow }) => {
        const mine = random.percent(50)
        const { kind } = await approve(
          flow,
          id,
          operatorUri(mine ? first : second),
          mine ? hash : hash.replace(/^./, '-'),
          undefined,
          flow.clock(),
        )
        say(mine ? first : second, `tries ${kind}`)
        return () => undefined
      })
    const says = random.percent(10) ? reject : undefined
    taxSide.have(async ({ flow }) => {
      const by = operatorUri(second)
      const { kind } = says ? await says(flow, id, by, 'no', flow.clock()) : await approve(flow, id, by, hash, undefined, flow.clock())
      say(second, `decides ${kind}`)
      return over
    })
  }
}
