import type { Outcome, UnifiedCode } from '@taxlink/bank-sdk'

/** The verbs that move money; each is an instruction with a key of its own. */
export type InstructionVerb = 'debit' | 'supplementaryDebit' | 'reversal'

/**
 * What a bank's code proves about an instruction: its money has moved, certainly none has, neither is certain, or (of a reversal) that there is no
 * original.
 */
export type Proof = 'done' | 'refused' | 'doubt' | 'no-original'

const ofReversals: readonly UnifiedCode[] = ['94032', '34001', '38002']
/** Codes that speak of another verb: about this one they say nothing, whatever their class. */
const saysNothing: { readonly [V in InstructionVerb]: ReadonlySet<UnifiedCode> } = {
  debit: new Set(ofReversals),
  // «Already paid», of what is supplemented because it is not: then the bank may have the debit after all, and no ticket is void for that.
  supplementaryDebit: new Set([...ofReversals, '24015']),
  // «Already paid», «already reversed, stopped or void»: which of them, and how much of it, is left open.
  reversal: new Set(['24015', '24020']),
}
/**
 * Refusals of a message, a line, an hour or a repetition rather than by the account. An instruction sent for the first time is refused by them; in
 * answer to a question they may refuse the question, and in answer to a second sending they leave open what became of the first.
 */
const notByTheAccount: ReadonlySet<UnifiedCode> = new Set([
  '24015',
  '28001',
  '31004',
  '91005',
  '93001',
  '93002',
  '93003',
  '93004',
  '93007',
  '93013',
  '93014',
])
/** «Cannot be reversed» may mean that the first sending did it: believed in answer to a second only of a bank that repeats its first decision. */
const notAnyMore: ReadonlySet<UnifiedCode> = new Set(['34001', '38002'])

/** How it was asked: for the first time, again under the same key, or what became of it. */
export type Asked = 'first' | 'again' | 'inquiry'

/** What the code proves. `byKey`: the bank answers the same key with its first decision. */
export const proofOf = (verb: InstructionVerb, { code, class: of }: Outcome, asked: Asked, byKey: boolean): Proof => {
  if (saysNothing[verb].has(code)) return 'doubt'
  if (asked !== 'first' && notByTheAccount.has(code)) return 'doubt'
  if (verb === 'reversal' && asked === 'again' && !byKey && notAnyMore.has(code)) return 'doubt'
  // In answer to a question it speaks of the reversal itself, which the bank does not have.
  if (verb === 'reversal' && code === '94054' && asked !== 'inquiry') return 'no-original'
  return of === 'succeeded' ? 'done' : of === 'refused' ? 'refused' : 'doubt'
}

/**
 * Whether the amount a bank names is the one asked for. «Already done» (94032) is believed where it can mean but one thing, and may leave the amount out
 * there: that the whole was given back, or this very reversal, which was asked about. Of a part it may speak of another part, though that be as large.
 */
export const sameAmount = (asked: number, { code }: Outcome, told: number, meansThis: boolean): boolean =>
  code === '94032' ? meansThis && (told === asked || told === 0) : told === asked
