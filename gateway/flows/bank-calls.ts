import { outcome } from '@taxlink/bank-sdk'
import { type BankPolicy, rung } from '../domain/bank.ts'
import { later, shanghaiDate, shanghaiTime } from '../domain/time.ts'
import { type BankCall, type BankCallSettlement, type CallKey, mayBeThere, withdrawn } from '../store/bank-calls.ts'
import { ask, type PlainVerb } from './ask.ts'
import type { Flow } from './flow.ts'
import { notDecided } from './tell.ts'

// What banks are told of day-end: notices, vouchers, the information of tickets. Each call is claimed before its first byte leaves.

const atOnce = 50
const names: { readonly [verb: string]: string } = { summaryVoucher: 'the voucher', adjustmentNotice: 'the notice' }
const lanes = 4
const hourMs = 3_600_000
/** With a short ladder, too, a bank may be away for a moment. */
const leastTold = 5
/** What makes a bank give back or remit: a halted one is not told of it, until two persons resume it. */
const movesMoney: readonly string[] = ['adjustmentNotice', 'summaryVoucher']
const isHalted = (flow: Flow, bankCode: string): boolean => flow.reference().banks.get(bankCode)?.halt !== undefined

/**
 * Makes the message of a verb of what was kept of it; where none stands for a verb, what was kept is the message. Undefined: there is nothing to be told of
 * it any more. What may have left us is told to its end all the same, for the bank may have it.
 */
export type Makers = { readonly [verb: string]: (flow: Flow, call: BankCall) => Promise<{ readonly [name: string]: unknown } | undefined> }

/** What a bank refuses of what it is told of single tickets (art. 34), by bank and verb: how often since that was told of, and when it may be told of again. */
export type Refusals = Map<string, { readonly bankCode: string; readonly verb: string; code: string; count: number; next: number }>

/** Tells banks what is due, at most so much of each; returns how much was told. */
export const callBanks = async (flow: Flow, makers: Makers = {}, refusals: Refusals = new Map()): Promise<number> => {
  const banks = await flow.store.bankCalls.banksCalled(flow.clock())
  const told = await Promise.all(banks.map(bankCode => callBank(flow, bankCode, makers, refusals)))
  return told.reduce((sum, count) => sum + count, 0)
}

/** Tells one bank what is due, and goes on as long as there is more. */
export const callWhole = async (flow: Flow, bankCode: string, going: () => boolean, makers: Makers, refusals: Refusals): Promise<boolean> =>
  (await callBank(flow, bankCode, makers, refusals, going)) === atOnce

const callBank = async (flow: Flow, bankCode: string, makers: Makers, refusals: Refusals, going = () => true): Promise<number> => {
  const policy = flow.reference().banks.get(bankCode)?.policy
  if (!policy) return 0
  const waiting = await flow.store.bankCalls.dueBankCalls(bankCode, flow.clock(), atOnce, isHalted(flow, bankCode) ? movesMoney : [])
  let told = 0
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let call = waiting.shift(); call && going(); call = waiting.shift())
        if (await callOnce(flow, call, policy, makers, refusals)) told++
    }),
  )
  return told
}

/** Makes one call, if nobody else does; whether it did. Never throws: whatever fails leaves the lease to run out. */
const callOnce = async (flow: Flow, call: BankCall, policy: BankPolicy, makers: Makers, refusals: Refusals): Promise<boolean> => {
  const { bankCode, verb } = call
  // It may have been halted since that was read.
  if (!flow.isTimely() || (movesMoney.includes(verb) && isHalted(flow, bankCode))) return false
  try {
    const now = flow.clock()
    const entrustDate = shanghaiDate(now)
    const fresh = call.key ?? { entrustDate, serialNo: await flow.store.takeSerial(call.officeCode, entrustDate) }
    const by = { owner: flow.owner, now, leaseUntil: later(now, policy.timeoutMs + flow.leaseMs) }
    const claimed = await flow.store.bankCalls.claimBankCall(call, fresh, by)
    if (!claimed) return false
    const settlement = await made(flow, claimed, policy, makers)
    const isOurs = await flow.store.bankCalls.settleBankCall(settlement)
    const { outcome: said, fault } = settlement
    flow.note({
      event: isOurs ? 'answered' : 'stale',
      bankCode,
      verb,
      ms: flow.clock().getTime() - now.getTime(),
      ...(said ? { code: said.code } : {}),
      ...(fault === undefined ? {} : { fault }),
    })
    if (isOurs && settlement.again === undefined && said?.class === 'refused') refused(flow, call, said.code, refusals)
    return true
  } catch (error) {
    flow.note({ event: 'trouble', bankCode, verb, detail: String(error) })
    return false
  }
}

/** Of a day with hundreds of thousands of tickets a bank may refuse each: they are counted, and told of once an hour. */
const counted: ReadonlySet<string> = new Set(['ticketInformation'])
const refused = (flow: Flow, { bankCode, verb, subject }: BankCall, code: string, refusals: Refusals): void => {
  if (!counted.has(verb)) {
    flow.note({ event: 'trouble', bankCode, verb, code, detail: `the bank refuses ${names[verb] ?? verb} ${subject}` })
    return
  }
  const key = `${bankCode} ${verb}`
  const of = refusals.get(key) ?? { bankCode, verb, code, count: 0, next: 0 }
  of.code = code
  of.count++
  refusals.set(key, of)
}

/** Tells of what banks refuse of single tickets, at once and then once an hour, bank and process; returns how many refusals that were. */
export const alarmOfRefusals = (flow: Flow, refusals: Refusals): number => {
  const now = flow.clock().getTime()
  const due = [...refusals.values()].filter(({ count, next }) => count > 0 && now >= next)
  return due.reduce((sum, of) => {
    const { bankCode, verb, code, count } = of
    flow.note({ event: 'trouble', bankCode, verb, code, count, detail: 'the bank refuses what it is told of tickets' })
    of.next = now + hourMs
    of.count = 0
    return sum + count
  }, 0)
}

/** Calls the bank, and says what came of it: what was not decided is told again under the same key, for ever. */
const made = async (
  flow: Flow,
  call: BankCall & { readonly key: CallKey },
  policy: BankPolicy,
  makers: Makers,
): Promise<BankCallSettlement> => {
  const content = await (makers[call.verb]?.(flow, call) ?? call.content)
  const base = { call, owner: flow.owner, isUndelivered: true, again: undefined, outcome: undefined }
  if (!content && !mayBeThere(call)) return { ...base, now: flow.clock(), transcript: '', fault: withdrawn }
  const message = { officeCode: call.officeCode, ...call.key, ...(content ?? call.content) }
  // A verb of another version would be refused by the line; the content was made for this one where it was kept.
  const said = await ask(flow, call.bankCode, call.verb as PlainVerb, message as never, policy.timeoutMs)
  const now = flow.clock()
  const ladder = policy.inquiryLadderMs
  const again = later(now, rung(ladder, Math.min(call.attemptNo - 1, ladder.length - 1), flow.random()) ?? 60_000)
  const isUndelivered = said.kind === 'undelivered' || said.kind === 'unsendable'
  const plain = { ...base, now, isUndelivered, transcript: said.transcript, fault: undefined }
  if (said.kind === 'unsendable') return { ...plain, outcome: outcome('93003', '93003', said.fault), fault: said.fault }
  if (said.kind !== 'answered') return { ...plain, fault: said.fault, again }
  const { result } = said.reply
  const isOpen = result.class === 'unknown' || result.class === 'in-progress' || notDecided.has(result.code)
  return { ...plain, outcome: result, again: isOpen ? again : undefined }
}

/**
 * Tells of what a bank is told and told again, past the last rung of its ladder, and does not decide: a line that is down has its breaker, but one that
 * says «later» for ever is otherwise seen by nobody. Once an hour and bank: `alarmed` keeps when.
 */
export const alarmOfUntaken = async (flow: Flow, alarmed: Map<string, number>): Promise<number> => {
  const now = flow.clock()
  let said = 0
  for (const [bankCode, { policy }] of flow.reference().banks) {
    if (now.getTime() < (alarmed.get(bankCode) ?? 0)) continue
    alarmed.set(bankCode, now.getTime() + hourMs)
    const ladder = policy.inquiryLadderMs
    // Whatever was told already is due again within the longest pause, its jitter and the lease; what was never told may wait for days.
    const until = later(now, 1.2 * Math.max(60_000, ...ladder) + policy.timeoutMs + flow.leaseMs)
    for (const { verb, count, since } of await flow.store.bankCalls.untaken(bankCode, Math.max(ladder.length, leastTold), until)) {
      if (movesMoney.includes(verb) && isHalted(flow, bankCode)) continue
      said += count
      flow.note({
        event: 'trouble',
        bankCode,
        verb,
        count,
        detail: `the bank does not decide what it is told, since ${shanghaiTime(since)}: speak to it`,
      })
    }
  }
  return said
}
