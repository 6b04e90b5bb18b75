import type { ReplyOf, RequestOf, Verb } from './catalogue.ts'
import type { Codec } from './cell.ts'
import { fail } from './fault.ts'
import type { Line } from './line.ts'

type Key = 'officeCode' | 'entrustDate' | 'serialNo'
/** What any bank must carry in a request: without it nobody could say which debit is meant and how much it is. */
type Essential = Key | 'originalEntrustDate' | 'originalSerialNo' | 'ticketNo' | 'account' | 'amount'
type EssentialReply = Key | 'result' | 'amount'
/** What a bank's request says once decoded: the essential fields, and those of the others that this bank carries. */
export type Heard<V extends Verb> = Partial<RequestOf<V>> & Pick<RequestOf<V>, Essential & keyof RequestOf<V>>
/** What a bank's reply says once decoded. */
export type Told<V extends Verb> = Partial<ReplyOf<V>> & Pick<ReplyOf<V>, EssentialReply & keyof ReplyOf<V>>

/** One verb of one bank: its request, its reply and, over HTTP, its own path. */
export type Exchange<V extends Verb> = {
  readonly request: Codec<RequestOf<V>, Heard<V>>
  readonly reply: Codec<ReplyOf<V>, Told<V>>
  readonly path?: string
}
/** A bank's declaration: what it can do is what its declaration holds; there is no second list of capabilities. */
export type Bank = {
  /** The bank's code in this province, four digits. */
  readonly code: string
  readonly name: string
  /** The document the layouts were taken from; its pages are cited beside the layouts. */
  readonly document: string
  readonly line: Line
  readonly debit: Exchange<'debit'>
  readonly inquiry: Exchange<'inquiry'>
  readonly supplementaryDebit?: Exchange<'supplementaryDebit'>
  readonly reversal?: Exchange<'reversal'>
  readonly linkTest?: Exchange<'linkTest'>
}

/** The verbs in the order of the catalogue. */
export const verbs: readonly Verb[] = ['debit', 'supplementaryDebit', 'inquiry', 'reversal', 'linkTest']

/** Declares a bank; refuses at load what the types cannot see. */
export const bank = (declaration: Bank): Bank => {
  if (!/^[0-9]{4}$/.test(declaration.code)) fail('bad-declaration', 'a bank’s code is four digits')
  return Object.freeze(declaration)
}

/** A message of a bank, recognised by its constants. */
export type Recognised = { readonly verb: Verb; readonly side: 'request' | 'reply'; readonly codec: Codec<never, unknown> }

/** Which of a bank's messages these bytes are, by the constants of its layouts (and, over HTTP, by the path); undefined for none. */
export const recognise = (of: Bank, bytes: Uint8Array, side?: 'request' | 'reply', path?: string): Recognised | undefined => {
  for (const verb of verbs) {
    const exchange = of[verb]
    if (!exchange || (path !== undefined && exchange.path !== undefined && path !== exchange.path)) continue
    for (const s of side ? [side] : (['request', 'reply'] as const)) {
      if (exchange[s].matches(bytes)) return { verb, side: s, codec: exchange[s] }
    }
  }
  return undefined
}
