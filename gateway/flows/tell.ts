import type { Outcome, ReplyOf, RequestOf, UnifiedCode } from '@taxlink/bank-sdk'
import { outcome } from '@taxlink/bank-sdk'
import { askAgain, askLater, type Tell } from '../domain/agreement-steps.ts'
import { type BankPolicy, rung } from '../domain/bank.ts'
import type { Particulars, Verification } from '../domain/particulars.ts'
import { later, shanghaiDate } from '../domain/time.ts'
import type { AgreementCall, CallSettlement, ClaimedCall } from '../store/agreement-calls.ts'
import { ask, type PlainVerb, type Said } from './ask.ts'
import { bindDeed, verificationDeed } from './bindings.ts'
import type { Flow } from './flow.ts'

// What banks are told of agreements: each call is claimed before its first byte leaves, and keeps its key until it is answered.

const atOnce = 20
const lanes = 4
/** How long a bank that has left a binding open is let alone before it is asked what became of it; it may tell sooner. */
const openMs = 3_600_000
/** Refusals of the line or the hour: nothing was decided, it is told again. */
export const notDecided: ReadonlySet<UnifiedCode> = new Set(['28001', '31004', '91005', '94051'])

/** Tells all banks what is due, at most so much of each; returns how much was told. */
export const tellBanks = async (flow: Flow): Promise<number> => {
  const told = await Promise.all([...flow.reference().banks.keys()].map(bankCode => tellBank(flow, bankCode)))
  return told.reduce((sum, count) => sum + count, 0)
}

/** Tells one bank what is due, and goes on as long as there is more. */
export const tellWhole = async (flow: Flow, bankCode: string, going: () => boolean): Promise<boolean> =>
  (await tellBank(flow, bankCode, going)) === atOnce

const tellBank = async (flow: Flow, bankCode: string, going = () => true): Promise<number> => {
  const policy = flow.reference().banks.get(bankCode)?.policy
  if (!policy) return 0
  const waiting = await flow.store.agreements.dueCalls(bankCode, flow.clock(), atOnce)
  let told = 0
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let call = waiting.shift(); call && going(); call = waiting.shift()) if (await tellOne(flow, call, policy)) told++
    }),
  )
  return told
}

/** Makes one call, if nobody else does; whether it did. Never throws: whatever fails leaves the lease to run out. */
const tellOne = async (flow: Flow, call: AgreementCall, policy: BankPolicy): Promise<boolean> => {
  const { bankCode } = call
  try {
    if (!flow.isTimely()) return false
    const now = flow.clock()
    const entrustDate = shanghaiDate(now)
    const key = call.key ?? { entrustDate, serialNo: await flow.store.takeSerial(call.officeCode, entrustDate) }
    const by = { owner: flow.owner, now, leaseUntil: later(now, policy.timeoutMs + flow.leaseMs) }
    const claimed = await flow.store.agreements.claimCall(call, key, by)
    if (!claimed) return false
    const settlement = await made(flow, claimed, policy)
    const moved = await flow.store.agreements.settleCall(settlement)
    const { outcome: said, fault } = settlement
    flow.note({
      event: moved ? 'answered' : 'stale',
      bankCode,
      verb: call.tell.verb,
      ms: flow.clock().getTime() - now.getTime(),
      ...(said ? { code: said.code } : {}),
      ...(fault === undefined ? {} : { fault }),
    })
    if (isRefused(settlement))
      flow.note({
        event: 'trouble',
        bankCode,
        verb: call.tell.verb,
        ...(said ? { code: said.code } : {}),
        detail: `the bank has not done it, speak to it: agreement/${claimed.agreement.id}`,
      })
    return true
  } catch (error) {
    flow.note({ event: 'trouble', bankCode, verb: call.tell.verb, detail: String(error) })
    return false
  }
}

/** Codes by which a bank says that there is nothing left to end. */
const over: ReadonlySet<UnifiedCode> = new Set(['24009', '24017'])
/** Whether a bank will not stop, let go on or end what it was told to: nobody asks it again, so that a person has to. */
const isRefused = ({ claimed, again, outcome: said }: CallSettlement): boolean => {
  const { verb } = claimed.call.tell
  if (again || !said || said.class === 'succeeded') return false
  return verb === 'suspension' || (verb === 'cancelBinding' && !over.has(said.code))
}

/** Calls the bank, and says what follows from its answer. */
const made = async (flow: Flow, claimed: ClaimedCall, policy: BankPolicy): Promise<CallSettlement> => {
  const said = await asked(flow, claimed, policy.timeoutMs)
  const now = flow.clock()
  const plain = { claimed, now, transcript: said.transcript, move: undefined, next: undefined, again: undefined }
  const ladder = policy.inquiryLadderMs
  const again = later(now, rung(ladder, Math.min(claimed.attemptNo - 1, ladder.length - 1), flow.random()) ?? 60_000)
  if (said.kind === 'unsendable') {
    // Not for this bank's layout: a person has to see it; what only ends a binding is left as it is.
    const refused = outcome('93003', '93003', said.fault)
    const binds = isBinding(claimed.call.tell)
    return { ...plain, outcome: refused, fault: said.fault, move: binds ? a => bindDeed(a, { outcome: refused }, 'bind', now) : undefined }
  }
  if (said.kind !== 'answered') return { ...plain, outcome: undefined, fault: said.fault, again }
  return { ...plain, fault: undefined, ...answered(claimed, said.reply, now, again) }
}

type Reply = { readonly result: Outcome } & Partial<RequestOf<'bindingResult'>> & Partial<ReplyOf<'verification'>>
const isBinding = ({ verb }: Tell): boolean => verb === 'bind' || verb === 'changeBinding'

const answered = (
  { call }: ClaimedCall,
  reply: Reply,
  now: Date,
  again: Date,
): Pick<CallSettlement, 'outcome' | 'again' | 'move' | 'next'> => {
  const { result } = reply
  const done = { outcome: result, again: undefined, move: undefined, next: undefined }
  const open = result.class === 'unknown' || notDecided.has(result.code)
  if (call.tell.verb === 'verification')
    return open || result.class === 'in-progress'
      ? { ...done, again }
      : { ...done, move: agreement => verificationDeed(agreement, result, matchesOf(reply)) }
  if (!isBinding(call.tell) && call.tell.verb !== 'bindingStatus') return open ? { ...done, again } : done
  const laterOn = later(now, openMs)
  if (result.class === 'in-progress')
    return call.tell.verb === 'bindingStatus' ? { ...done, again: laterOn } : { ...done, next: { tell: askLater, at: laterOn } }
  if (open) return { ...done, again }
  // The bank has lost it, or never had it.
  if (call.tell.verb === 'bindingStatus' && result.code === '24009') return { ...done, next: { tell: askAgain, at: now } }
  return { ...done, move: agreement => bindDeed(agreement, { outcome: result, ...boundBy(reply) }, call.tell.verb, now) }
}

/** Of which particulars the bank says that they are the same, or not. */
const matchesOf = ({ taxpayerIdMatch, taxpayerNameMatch, officeMatch, branchMatch, accountMatch }: Reply): Verification['matches'] =>
  Object.fromEntries(
    Object.entries({
      taxpayerId: taxpayerIdMatch,
      taxpayerName: taxpayerNameMatch,
      officeCode: officeMatch,
      branch: branchMatch,
      account: accountMatch,
    }).filter(([, match]) => match !== undefined),
  )

/** What the reply says of the binding beside its result; the office is that of the key. */
const boundBy = (reply: Reply) => {
  const { taxpayerId, taxpayerName, account, payerBankNo, officeCode, boundOn, credential } = reply
  const profile = { taxpayerId, taxpayerName, account, branch: payerBankNo }
  const named = Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== undefined)) as Partial<Particulars>
  const held = Object.keys(named).length === 0 || officeCode === undefined ? undefined : { ...named, officeCode }
  return {
    ...(held ? { held } : {}),
    ...(boundOn === undefined ? {} : { boundOn }),
    credentialIssued: credential === 'issued',
  }
}

/** The message of a call. */
const asked = (flow: Flow, { call, agreement, key }: ClaimedCall, timeoutMs: number): Promise<Said<PlainVerb>> => {
  const { agreementNo, channel, particulars, replacesNo } = agreement
  const { taxpayerId, taxpayerName, account, branch } = particulars
  const profile = { taxpayerId, taxpayerName, account, payerBankNo: branch }
  const about = { ...key, agreementNo }
  const { tell, bankCode } = call
  switch (tell.verb) {
    case 'bind':
      return ask(flow, bankCode, 'bind', { ...about, channel, ...profile }, timeoutMs)
    case 'changeBinding':
      return ask(
        flow,
        bankCode,
        'changeBinding',
        { ...about, originalAgreementNo: replacesNo ?? agreementNo, channel, ...profile },
        timeoutMs,
      )
    case 'cancelBinding':
      return ask(flow, bankCode, 'cancelBinding', { ...about, account, reason: tell.reason }, timeoutMs)
    case 'suspension':
      return ask(flow, bankCode, 'suspension', { ...about, account, action: tell.action, reason: 'by-tax-office' }, timeoutMs)
    case 'bindingStatus':
      return ask(flow, bankCode, 'bindingStatus', about, timeoutMs)
    case 'verification':
      return ask(flow, bankCode, 'verification', { ...about, ...profile }, timeoutMs)
  }
}
