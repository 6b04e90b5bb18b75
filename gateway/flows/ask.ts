import type { RequestOf, Told, Verb } from '@taxlink/bank-sdk'
import type { InstructionVerb } from '../domain/answers.ts'
import type { Answer } from '../domain/debit.ts'
import type { Flow } from './flow.ts'

/** A verb that moves no money and is told or asked of a bank: a binding, its change and end, a question. */
export type PlainVerb = Exclude<Verb, InstructionVerb>

/**
 * What came of asking: the bank's reply; or why there is none, with what is certain of the request: it never left us (`undelivered`), it cannot be
 * written in the bank's layout (`unsendable`), or nobody knows (`doubtful`). The transcript is masked.
 */
export type Said<V extends PlainVerb> =
  | { readonly kind: 'answered'; readonly reply: Told<V>; readonly transcript: string }
  | {
      readonly kind: 'undelivered' | 'unsendable' | 'doubtful'
      readonly fault: string
      readonly transcript: string
    }

/** Asks a bank once, without retries; never throws. The bank answers the same key with its first answer, so that what is doubtful may be asked again. */
export const ask = async <V extends PlainVerb>(
  flow: Pick<Flow, 'call'>,
  bankCode: string,
  verb: V,
  request: RequestOf<V>,
  timeoutMs: number,
): Promise<Said<V>> => {
  const { answer, told, transcript } = await flow.call(bankCode, verb, request, timeoutMs)
  // The line brings no reply of another verb: what it waits for begins with the verb.
  return answer.kind === 'answered' && told ? { kind: 'answered', reply: told as Told<V>, transcript } : { ...without(answer), transcript }
}

const without = (answer: Answer): { readonly kind: 'undelivered' | 'unsendable' | 'doubtful'; readonly fault: string } =>
  answer.kind === 'answered' ? { kind: 'doubtful', fault: 'malformed' } : { kind: answer.kind, fault: answer.fault }
