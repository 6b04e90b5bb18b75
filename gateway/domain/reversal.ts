import type { BankPolicy } from './bank.ts'
import { askedBack, atTheBank, bankOnly, givenBack, isOpen, type Movement, type Ruling, type Ticket, type Verdict } from './ticket.ts'
import { accountingDay, dayHasEnded } from './time.ts'

/** What the decision table of a reversal looks at. */
export type ReversalCase = {
  readonly original: Movement
  /** Fen the bank has of it, where it is settled; what was given back is not taken off. */
  readonly debited: number
  /** Fen to give back. */
  readonly amount: number
  /** Fen that were given back before. */
  readonly back: number
  /** Fen of it that notices ask for, or have brought. */
  readonly askedBack: number
  /** It is ordered as an excess, and of the ticket a notice has that given back. */
  readonly isAskedBack: boolean
  /** Another reversal of the same original is under way. */
  readonly isAnotherOpen: boolean
  readonly isVoid: boolean
  /** Its money is on its way to the treasury. */
  readonly isWrittenOff: boolean
  /** Two persons have taken what the bank debited for the tax of the ticket, though the record has it as refused. */
  readonly isAdopted: boolean
  /** An open break says that the bank has it, though the record counts it as nothing. */
  readonly isBankOnly: boolean
  /** The bank's accounting day of the original is over. */
  readonly dayEnded: boolean
  readonly policy: Pick<BankPolicy, 'reversal'>
}
/** One row: the first whose case holds decides. */
export type ReversalRow = Ruling & {
  readonly does: 'done' | 'refuse' | 'wait'
  readonly holds: (c: ReversalCase) => boolean
}

const isUnsettled = ({ original }: ReversalCase): boolean => isOpen(original)
/** What may yet be given back of it: of a debit in doubt as much as it asked for. */
const left = (c: ReversalCase): number => (isUnsettled(c) ? c.original.amount : c.debited - c.back - c.askedBack)

/** The decision table of a reversal (art. 35(1)), in the order in which its reasons outrank each other; where no row holds, it is sent. */
export const reversalTable: readonly ReversalRow[] = [
  {
    // To say «nothing to give back» would send the taxpayer away with the money gone, and a new ticket would debit twice.
    rule: 'bank-only',
    code: '34001',
    does: 'refuse',
    holds: ({ original, isBankOnly }) => original.state === 'refused' && isBankOnly,
    zh: '记录为未扣款而银行已扣款(单边账未了结),使用《调账通知单》(第三十五条第一项)',
    en: 'an open break says that the bank has it, though the record has not: use an adjustment notice (art. 35(1))',
  },
  {
    // The record stays as it was told, and the money is there all the same: it is the tax, and no reversal of ours can name it.
    rule: 'adopted',
    code: '34001',
    does: 'refuse',
    holds: ({ original, isAdopted }) => original.state === 'refused' && isAdopted,
    zh: '记录为未扣款而银行已扣款,两人已采信为该税票的税款:税票已缴;银行多扣的使用《调账通知单》(第三十五条第一项),税款有误的入库后更正(第二十一条)',
    en: 'the bank had it all the same and two persons took it for the tax of the ticket, which is paid: for what the bank took too much use an adjustment notice (art. 35(1)), for a wrong tax a correction after its receipt (art. 21)',
  },
  {
    rule: 'original-refused',
    code: '90000',
    does: 'done',
    holds: ({ original }) => original.state === 'refused',
    zh: '原交易确定未扣款,无须冲正',
    en: 'the original was certainly refused: there is nothing to give back',
  },
  {
    rule: 'ticket-void',
    code: '24020',
    does: 'refuse',
    // The void says that the bank did not debit. Where it did after all, that goes back.
    holds: ({ isVoid, isBankOnly }) => isVoid && !isBankOnly,
    zh: '电子税票已作废(第三十五条第三项)',
    en: 'the ticket is void (art. 35(3))',
  },
  {
    rule: 'reversal-open',
    code: '34001',
    does: 'refuse',
    holds: ({ isAnotherOpen }) => isAnotherOpen,
    zh: '前一笔冲正尚无结果,待其终结后再发',
    en: 'an earlier reversal has no outcome yet; order again when it has',
  },
  {
    rule: 'already-reversed',
    code: '94032',
    does: 'done',
    holds: c => !isUnsettled(c) && c.back > 0 && left(c) === 0,
    zh: '原交易已全额冲正',
    en: 'the original was given back whole',
  },
  {
    rule: 'bank-makes-none',
    code: '34001',
    does: 'refuse',
    holds: ({ policy }) => policy.reversal === 'none',
    zh: '该银行不支持冲正,使用《调账通知单》(第三十五条第一项)',
    en: 'this bank makes no reversals: use an adjustment notice (art. 35(1))',
  },
  {
    // A notice is no instruction, and the bank does not know that both are about the same fen.
    rule: 'asked-back',
    code: '34001',
    does: 'refuse',
    holds: c => c.isAskedBack || (c.askedBack > 0 && c.amount > left(c)),
    zh: '多扣部分已由《调账通知单》退回或要求退回(第三十五条第一项),不再冲正',
    en: 'an adjustment notice asks for what is too much, or has brought it (art. 35(1)): it is not reversed as well',
  },
  {
    rule: 'over-limit',
    code: '34001',
    does: 'refuse',
    holds: c => c.amount > left(c),
    zh: '冲正金额超过已扣未退的金额',
    en: 'more than was debited and not yet given back',
  },
  {
    rule: 'whole-only',
    code: '34001',
    does: 'refuse',
    holds: c => c.policy.reversal === 'whole-only' && c.amount !== (isUnsettled(c) ? c.original.amount : c.debited),
    zh: '该银行只支持全额冲正,部分退回使用《调账通知单》(第三十五条第一项)',
    en: 'this bank reverses the whole only: for a part use an adjustment notice (art. 35(1))',
  },
  {
    rule: 'original-open',
    code: '99091',
    does: 'wait',
    holds: isUnsettled,
    zh: '原交易尚无结果,先查明再冲正',
    en: 'the original has no outcome yet: that is settled first',
  },
  {
    // What is given back now would be missing of a voucher.
    rule: 'written-off',
    code: '34001',
    does: 'refuse',
    holds: ({ isWrittenOff }) => isWrittenOff,
    zh: '已上解销号:银行多扣的使用《调账通知单》(第三十五条第一项),税款有误的入库后更正(第二十一条)',
    en: 'it was written off: for what the bank took too much use an adjustment notice (art. 35(1)), for a wrong tax a correction after its receipt (art. 21)',
  },
  {
    rule: 'after-day-end',
    code: '38002',
    does: 'refuse',
    holds: ({ dayEnded }) => dayEnded,
    zh: '银行已日终,使用《调账通知单》(第三十五条第一项)',
    en: 'the bank’s day has ended: use an adjustment notice (art. 35(1))',
  },
]

/** The refusal of this row, where something else than its case has found that it holds. */
export const refusalBy = (name: string): Verdict => {
  const { rule, code, zh, en } = reversalTable.find(row => row.rule === name)!
  return { kind: 'refuse', rule, code, zh, en }
}

/** What becomes of a reversal of this case. */
export const ruleReversal = (c: ReversalCase): Verdict => {
  const row = reversalTable.find(({ holds }) => holds(c))
  if (!row) return { kind: 'send' }
  if (row.does === 'wait') return { kind: 'wait' }
  const { rule, code, zh, en } = row
  return { kind: row.does, rule, code, zh, en }
}

const isOver = (ticket: Ticket, original: Movement, policy: BankPolicy, now: Date): boolean => {
  const day = original.accountingDate ?? accountingDay(original.lastSentAt ?? original.acceptedAt, policy.dayEnd)
  return dayHasEnded(day, policy.dayEnd, ticket.bankDay, now)
}

/** What is to be given back, and why; `id`: of the reversal itself, where it is looked at again. */
export type Wanted = Pick<Movement, 'amount' | 'reason'> & { readonly id?: number | undefined }

/** What an order to give some of an instruction back leads to. */
export const decideReversal = (ticket: Ticket, original: Movement, wanted: Wanted, policy: BankPolicy, now: Date): Verdict => {
  const { amount, reason, id: own } = wanted
  const debited = bankOnly(ticket, original.id)?.bankAmount ?? atTheBank(ticket, original)
  const [back, asked] = [givenBack(ticket, original.id), askedBack(ticket, original.id)]
  // Of the tax itself the tax side may want any part back; too much is only what its bank took beyond it, and nobody else gives back.
  const isExcess = reason === 'duplicate' || reason === 'over-debited'
  const excess = Math.max(0, debited - original.amount - back - asked)
  return ruleReversal({
    original,
    debited,
    amount,
    back,
    askedBack: asked,
    isAskedBack: isExcess && amount > excess && (ticket.askedBack ?? []).length > 0,
    isAnotherOpen: ticket.movements.some(
      m => m.verb === 'reversal' && m.originalId === original.id && m.reason !== 'in-doubt' && m.id !== own && isOpen(m),
    ),
    isVoid: ticket.isVoid,
    isWrittenOff: ticket.isWrittenOff === true,
    isAdopted: ticket.isAdopted === true,
    isBankOnly: bankOnly(ticket, original.id) !== undefined,
    dayEnded: isOver(ticket, original, policy, now),
    policy,
  })
}

/** The same for a reversal the gateway made to leave a tombstone: only while its original is in doubt, and on the bank's same day. */
export const decideTombstone = (ticket: Ticket, original: Movement, policy: BankPolicy, now: Date): Verdict => {
  const row = (rule: string): ReversalRow => reversalTable.find(r => r.rule === rule)!
  const ruling = ({ rule, code, zh, en }: ReversalRow): Ruling => ({ rule, code, zh, en })
  if (original.state === 'refused') return { kind: 'done', ...ruling(row('original-refused')) }
  if (!isOpen(original))
    return {
      kind: 'refuse',
      rule: 'original-settled',
      code: '34001',
      zh: '原交易已查明成功,不再冲正',
      en: 'the original has been found to have succeeded',
    }
  return isOver(ticket, original, policy, now) ? { kind: 'refuse', ...ruling(row('after-day-end')) } : { kind: 'send' }
}
