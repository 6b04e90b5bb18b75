import type { InstructionVerb } from './answers.ts'
import type { Said } from './break.ts'
import type { DebitState } from './debit.ts'
import type { Objection } from './proposal.ts'
import { type BreakKind, isOpen, type Reason, type Ticket } from './ticket.ts'

/** An instruction as two persons find it who are to say what became of it. */
export type Doubted = {
  readonly verb: InstructionVerb
  readonly state: DebitState
  /** Fen asked for. */
  readonly amount: number
  readonly lastSentAt: Date | undefined
  /** Why it was ordered; a reversal of our own may have found nothing to give back. */
  readonly reason: Reason | undefined
  /** What its bank has said of it for certain, in answers that came too late to settle it. */
  readonly said: readonly Said[]
}
/** What they say: it moved this many fen, or certainly nothing. */
export type Finding = { readonly decision: 'succeeded'; readonly amount: number } | { readonly decision: 'refused' }

const notDoubtful: Objection = { rule: 'not-doubtful', zh: '该指令已不是结果不明', en: 'the instruction is not in doubt any more' }
const windowOpen: Objection = {
  rule: 'window-open',
  zh: '核对银行账时静默期未过,还不能断定未扣:过后请银行再核对一次',
  en: 'the bank’s books were looked at before its quiescence window was over: nothing proves that it was not booked later; have them looked at again',
}
const sentSince: Objection = {
  rule: 'sent-since',
  zh: '提出之后又发送过,原来的依据不能说明这一次',
  en: 'it was sent again since: the evidence says nothing about that',
}
const zeroAmount: Objection = {
  rule: 'zero-amount',
  zh: '成功的金额不能为零;确定未扣用 refused',
  en: 'a success over nothing is none; say refused',
}
const otherAmount: Objection = {
  rule: 'other-amount',
  zh: '冲正的金额不得多于所求',
  en: 'a reversal gives back at most what was asked for',
}

// There is a way: the end the bank named first, and then a break, by two persons and on evidence too.
const bankSaidOtherwise: Objection = {
  rule: 'bank-said-otherwise',
  zh: '银行迟到的应答与此结论相反:先按银行的应答了结,确系有误再认定单边账',
  en: 'a late answer of the bank says the opposite: resolve it as the bank said, and where that is wrong declare a break',
}

/** Said of a debit whose tombstone is under way: its reversal will say what became of it, and may yet give it back. */
export const tombstoneOpen: Objection = {
  rule: 'tombstone-open',
  zh: '为它所立的冲正尚无结果:先了结那一笔',
  en: 'the reversal that is to leave its tombstone has no outcome yet: that one is resolved first',
}

/** Whether a reversal that is to leave a tombstone for this instruction has no outcome yet. */
export const hasTombstoneOpen = (ticket: Ticket, instructionId: number): boolean =>
  ticket.movements.some(m => m.reason === 'in-doubt' && m.originalId === instructionId && isOpen(m))

/** As of when the evidence speaks, and when the instruction had last been sent as it was put forward. */
export type Evidence = { readonly at: Date; readonly lastSentAt: Date | undefined }

/**
 * Why the doubt cannot be resolved so, as things stand. Whether it was sent since is told by the sending itself: the clocks of two processes need not agree
 * on which came first.
 */
export const objectionTo = (
  { verb, state, amount, lastSentAt, reason, said }: Doubted,
  finding: Finding,
  evidence: Evidence,
  quietFrom: (sentAt: Date) => Date | undefined,
): Objection | undefined => {
  if (state !== 'unknown') return notDoubtful
  if (said.length > 0 && said.every(word => word.state !== finding.decision)) return bankSaidOtherwise
  if (finding.decision === 'succeeded') {
    if (verb === 'reversal' && finding.amount > amount) return otherAmount
    // A tombstone may have found nothing to give back.
    return finding.amount === 0 && reason !== 'in-doubt' ? zeroAmount : undefined
  }
  if (lastSentAt?.getTime() !== evidence.lastSentAt?.getTime()) return sentSince
  if (lastSentAt === undefined) return undefined
  const quiet = quietFrom(lastSentAt)
  return quiet === undefined || quiet > evidence.at ? windowOpen : undefined
}

/** The break of a success over another amount than was asked for; of a reversal that gave back less, the rest may still be given back. */
export const breakOf = ({ verb, amount }: Pick<Doubted, 'verb' | 'amount'>, moved: number): BreakKind | undefined =>
  moved === amount || verb === 'reversal' ? undefined : moved < amount ? 'under-debited' : 'over-debited'
