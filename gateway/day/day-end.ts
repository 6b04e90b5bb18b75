import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { DifferenceType } from '../domain/reconcile.ts'
import { dayAfter } from '../domain/time.ts'
import { type BreakSeen, type Finding, kindFaults, kindOf, kindRows, kindText, type Planted, wayOf } from './kinds.ts'
import type { Line } from './line.ts'
import { table, yuanText } from './table.ts'

/** What the banks of the sample day get wrong (`planted`); of it what they book that nobody has sent, and what is wrong in their files alone. */
export type DayEndPlan = {
  readonly planted: readonly Planted[]
  readonly unsent: readonly {
    readonly bankCode: string
    readonly officeCode: string
    readonly ticketNo: string
    readonly account: string
    readonly amount: number
  }[]
  readonly fileRules: readonly { readonly bankCode: string; readonly rule: object }[]
}
/** The plan, as its data file holds it. */
export const dayEndPlan = (): DayEndPlan => JSON.parse(readFileSync(`${import.meta.dirname}/day-end.json`, 'utf8')) as DayEndPlan

/** Who plays: two of the province, one of the county that issues notices, and the banks by their control ports. */
export type DayEndParties = {
  readonly operators: readonly [Line, Line]
  readonly county: Line
  /** `day`: the accounting date on which the sample day was begun. */
  readonly banks: readonly { readonly bankCode: string; readonly control: string; readonly day: string }[]
}
/** One bank's day-end: what was planted there, what its sessions found, the breaks of it; and fen by its own ledger, the vouchers and the treasury's receipts. */
export type DayEndSeen = {
  readonly bankCode: string
  readonly planted: readonly Planted[]
  readonly findings: readonly Finding[]
  readonly breaks: readonly BreakSeen[]
  /** Every session of the days that were played is balanced in the end. */
  readonly balanced: boolean
  readonly booked: bigint
  readonly vouchers: number
  readonly vouchered: bigint
  readonly received: bigint
}

type Bank = DayEndParties['banks'][number]
type Session = { readonly session: number; readonly state: string }
type Break = { readonly id: number; readonly ticketNo: string; readonly state: string; readonly source: string; readonly remedy?: string }
type Voucher = { readonly amount: number; readonly state: string; readonly accountingDate: string }

const told = async ({ control }: Bank, path: string, body: object): Promise<{ readonly accountingDate?: string }> => {
  const said = await fetch(new URL(path, control), { method: 'POST', body: JSON.stringify(body) })
  if (said.status !== 200) throw new Error(`${path}: status ${said.status} ${await said.text()}`)
  return (await said.json()) as { readonly accountingDate?: string }
}
const dateAt = async ({ control }: Bank): Promise<string> =>
  ((await (await fetch(new URL('/ledger?entries=0', control))).json()) as { accountingDate: string }).accountingDate

/** Asks until the answer is what is waited for, or patience ends; then the last answer. */
const until = async <T>(read: () => Promise<T>, isThere: (found: T) => boolean, end: number): Promise<T> => {
  for (;;) {
    const found = await read()
    if (isThere(found) || Date.now() > end) return found
    await pause(200)
  }
}

/** Opens a session as soon as the gateway has seen that the bank's day is over, and waits for what it comes to. */
const reconciled = async (line: Line, { bankCode }: Bank, accountingDate: string, reason: string, end: number): Promise<Session> => {
  const order = { bankCode, accountingDate, kind: 'day-end', reason }
  const opened = await until(
    () => line.insist('/v1/reconciliations', order),
    ({ status }) => status !== 409,
    end,
  )
  if (opened.status >= 400)
    throw new Error(`a session of ${accountingDate} at ${bankCode}: ${opened.status} ${JSON.stringify(opened.body)}`)
  const { session } = opened.body as Session
  const path = `/v1/reconciliations/${bankCode}/${accountingDate}/${session}`
  return until(
    () => line.read<Session>(path),
    ({ state }) => state === 'balanced' || state === 'differing',
    end,
  )
}

/** The breaks of a bank that are not confirmed yet. */
const breaksOf = async (line: Line, { bankCode }: Bank): Promise<Break[]> =>
  (await line.read<{ breaks: Break[] }>(`/v1/breaks?open=true&bankCode=${bankCode}&limit=200`)).breaks

/**
 * Starts the one remedy that a break has, by whose duty it is (art. 35); what needs no step goes by itself. False: it was not begun, because the bank says
 * that it has what its file lacks, or could not be asked.
 */
const remedy = async ({ operators, county }: DayEndParties, found: Break, kind: Planted['kind'] | undefined): Promise<boolean> => {
  const [first, second] = operators
  const { id } = found
  if (found.remedy === 'notice') await county.order('/v1/adjustment-notices', { breakId: id })
  else if (found.remedy === 'supplement' || found.remedy === 'supplement-missing') {
    const path = `/v1/breaks/${id}/supplementary-debit`
    const { status, body } = await first.insist(path, { orderNo: 'b1' })
    if (status === 409) return false
    if (status >= 400) throw new Error(`POST ${path}: status ${status} ${JSON.stringify(body)}`)
  } else if (found.remedy === 'persons') {
    const decision = kind === 'adopted' ? 'adopt' : 'return'
    const proposal = { orderNo: `DZ-${id}`, kind: 'settle-break', content: { breakId: id, decision }, evidence: '银行对账函与入账凭证' }
    const { body } = await first.order('/v1/proposals', proposal)
    const made = body as { readonly id: number; readonly hash: string }
    await second.order(`/v1/proposals/${made.id}/approval`, { hash: made.hash })
  }
  return true
}

/** Remedies what a session has found, until nothing is left that somebody has to begin, that is under way, or that does not wait for the next session. */
const remedied = async (parties: DayEndParties, bank: Bank, planted: readonly Planted[], end: number): Promise<void> => {
  const begun = new Set<string>()
  const waiting = new Set<number>()
  const kindAt = new Map(planted.map(({ ticketNo, kind }) => [ticketNo, kind]))
  const begin = async (found: Break): Promise<void> => {
    const step = `${found.id} ${found.remedy}`
    if (found.state !== 'chosen' || begun.has(step)) return
    begun.add(step)
    const kind = kindAt.get(found.ticketNo)
    if (await remedy(parties, found, kind)) return
    // Of one that is no such case the bank was not able to speak just now.
    if (kind !== undefined && kindOf(kind).isAtTheBank) waiting.add(found.id)
    else begun.delete(step)
  }
  const settled = ({ id, state, remedy: of }: Break): boolean =>
    ['remedied', 'confirmed'].includes(state) || of === 'investigate' || of === 'explained' || waiting.has(id)
  await until(
    async () => {
      const open = await breaksOf(parties.operators[0], bank)
      await Promise.all(open.map(begin))
      return open
    },
    open => open.every(settled),
    end,
  )
}

/** Fen that a bank has booked by its own ledger, what it gave back taken off. */
const bookedAt = async ({ control }: Bank): Promise<bigint> => {
  const { entries } = (await (await fetch(new URL('/ledger', control))).json()) as { entries: readonly { kind: string; amount: number }[] }
  const back = new Set(['reversal', 'adjustment'])
  return entries.reduce((total, { kind, amount }) => total + BigInt(back.has(kind) ? -amount : amount), 0n)
}

const vouchersOf = async (line: Line, { bankCode }: Bank): Promise<Voucher[]> => {
  const all: Voucher[] = []
  for (let cursor = ''; ; ) {
    const page = await line.read<{ vouchers: Voucher[]; next?: string }>(
      `/v1/vouchers?bankCode=${bankCode}&limit=200${cursor && `&cursor=${cursor}`}`,
    )
    all.push(...page.vouchers)
    if (page.next === undefined) return all
    cursor = page.next
  }
}
const sum = (all: readonly Voucher[]): bigint => all.reduce((total, { amount }) => total + BigInt(amount), 0n)

const sessionsOf = async (line: Line, { bankCode }: Bank, date: string): Promise<Session[]> => {
  const path = `/v1/reconciliations?bankCode=${bankCode}&accountingDate=${date}&kind=day-end&limit=50`
  const { reconciliations } = await line.read<{ reconciliations: Session[] }>(path)
  return reconciliations.filter(({ state }) => state !== 'withdrawn').toSorted((a, b) => a.session - b.session)
}

/** All that the sessions of a day have found, and what became of the breaks of a bank. */
const findingsOf = async (line: Line, bank: Bank, date: string, on: Finding['on']): Promise<Finding[]> => {
  const sessions = await sessionsOf(line, bank, date)
  const found = await Promise.all(
    sessions.map(({ session }) =>
      line.read<{ differences: { readonly ticketNo: string; readonly type: DifferenceType }[] }>(
        `/v1/reconciliations/${bank.bankCode}/${date}/${session}/differences?limit=200`,
      ),
    ),
  )
  return found.flatMap(({ differences }) => differences.map(({ ticketNo, type }) => ({ ticketNo, on, type })))
}
const lifeOf = async (line: Line, { id, ticketNo, state }: Break): Promise<BreakSeen> => ({
  ticketNo,
  way: wayOf(await line.read<Parameters<typeof wayOf>[0]>(`/v1/breaks/${id}`)),
  state,
})

/**
 * 日终 of one bank: its day ends, its file is matched, every difference gets its remedy; the remedies stand under the next day, which is reconciled, too,
 * and confirms them. What was played before is not played again.
 */
const closeDays = async (parties: DayEndParties, bank: Bank, plan: DayEndPlan, end: number): Promise<void> => {
  const { bankCode, day } = bank
  const [line] = parties.operators
  if ((await dateAt(bank)) === day) {
    for (const { bankCode: of, ...unsent } of plan.unsent) if (of === bankCode) await told(bank, '/bookings', unsent)
    await told(
      bank,
      '/file-plan',
      plan.fileRules.flatMap(({ bankCode: of, rule }) => (of === bankCode ? [rule] : [])),
    )
    await told(bank, '/end-day', {})
  }
  await reconciled(line, bank, day, '日终', end)
  await remedied(parties, bank, plan.planted, end)
  // Before the next day has its session: what that one shows would be a cut-off here, and what is found should not depend on which was quicker.
  await reconciled(line, bank, day, '处理之后再次对账', end)
  if ((await dateAt(bank)) === dayAfter(day)) await told(bank, '/end-day', {})
  await reconciled(line, bank, dayAfter(day), '次日日终', end)
}

/** The two days of one bank to their end: what is balanced is written off, summed into vouchers, remitted and received. */
const playBank = async (parties: DayEndParties, bank: Bank, plan: DayEndPlan, end: number): Promise<DayEndSeen> => {
  const { bankCode, day } = bank
  const [line] = parties.operators
  const days = [day, dayAfter(day)]
  const latest = () => Promise.all(days.map(async date => (await sessionsOf(line, bank, date)).at(-1)))
  const isBalanced = (found: readonly (Session | undefined)[]) => found.every(each => each?.state === 'balanced')
  if (!isBalanced(await latest())) await closeDays(parties, bank, plan, end)
  const last = await until(latest, isBalanced, end)
  const booked = await bookedAt(bank)
  const ofDays = (all: readonly Voucher[]) => all.filter(({ accountingDate }) => days.includes(accountingDate))
  const vouchers = ofDays(
    await until(
      () => vouchersOf(line, bank),
      all => sum(ofDays(all)) === booked && ofDays(all).every(({ state }) => state === 'received'),
      end,
    ),
  )
  const { breaks } = await line.read<{ breaks: Break[] }>(`/v1/breaks?open=false&bankCode=${bankCode}&limit=200`)
  return {
    bankCode,
    planted: plan.planted.filter(each => each.bankCode === bankCode),
    findings: [...(await findingsOf(line, bank, day, 'day')), ...(await findingsOf(line, bank, dayAfter(day), 'next'))],
    breaks: await Promise.all(breaks.map(each => lifeOf(line, each))),
    balanced: isBalanced(last),
    booked,
    vouchers: vouchers.length,
    vouchered: sum(vouchers),
    received: sum(vouchers.filter(({ state }) => state === 'received')),
  }
}

/** Plays the day-end at all banks at once. */
export const playDayEnd = (parties: DayEndParties, end: number): Promise<DayEndSeen[]> => {
  const plan = dayEndPlan()
  return Promise.all(parties.banks.map(bank => playBank(parties, bank, plan, end)))
}

const allOf = (dayEnds: readonly DayEndSeen[]) => ({
  planted: dayEnds.flatMap(({ planted }) => planted),
  seen: { findings: dayEnds.flatMap(({ findings }) => findings), breaks: dayEnds.flatMap(({ breaks }) => breaks) },
})

/** What was planted and is not found or remedied as it must, what nobody planted; and what does not come out to the fen: debits, books, vouchers, receipts. */
export const dayEndFaults = (
  banks: readonly { readonly bankCode: string; readonly taxTotal: bigint }[],
  dayEnds: readonly DayEndSeen[],
): string[] => {
  const { planted, seen } = allOf(dayEnds)
  return [
    ...kindFaults(planted, seen),
    ...dayEnds.flatMap(({ bankCode, balanced, booked, vouchered, received }) => {
      const debits = banks.find(bank => bank.bankCode === bankCode)?.taxTotal
      return [
        ...(balanced ? [] : [`${bankCode}: its days are not balanced`]),
        ...(booked === debits ? [] : [`${bankCode}: ${debits} fen debited, ${booked} booked`]),
        ...(vouchered === booked ? [] : [`${bankCode}: ${booked} fen booked, ${vouchered} in vouchers`]),
        ...(received === vouchered ? [] : [`${bankCode}: ${vouchered} fen in vouchers, ${received} received`]),
      ]
    }),
  ]
}

/** The day-end as people read it. */
export const dayEndText = (dayEnds: readonly DayEndSeen[]): string[] => {
  if (dayEnds.length === 0) return []
  const { planted, seen } = allOf(dayEnds)
  return [
    ...kindText(kindRows(planted, seen)),
    ...table([
      ['日终', '单边账', '再次对账', '账上合计', '凭证', '凭证合计', '国库回执', ''],
      ['day-end', 'breaks', 'then', 'booked (yuan)', 'vouchers', 'in vouchers (yuan)', 'received (yuan)', ''],
      ...dayEnds.map(each => [
        each.bankCode,
        String(each.breaks.length),
        each.balanced ? '平 balanced' : '不平 differing',
        yuanText(each.booked),
        String(each.vouchers),
        yuanText(each.vouchered),
        yuanText(each.received),
        each.booked === each.vouchered && each.vouchered === each.received ? '=' : '≠',
      ]),
    ]),
  ]
}
