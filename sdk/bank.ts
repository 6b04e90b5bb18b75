import { type AnyVerb, exchanges, type FileName, type Message, type Push, type ReplyOf, type RequestOf, type Verb } from './catalogue.ts'
import type { Codec } from './cell.ts'
import { fail } from './fault.ts'
import type { FileCodec } from './file.ts'
import type { Line } from './line.ts'

type Key = 'officeCode' | 'entrustDate' | 'serialNo'
type DayEnd =
  | 'totals'
  | 'fileRequest'
  | 'adjustmentNotice'
  | 'adjustmentReceipt'
  | 'summaryVoucher'
  | 'remitConfirmation'
  | 'treasuryReceipt'
  | 'feeStatement'
  | 'differenceReport'
/** What any bank must carry in a request: without it nobody could say which debit is meant and how much it is, or which agreement, and what of it. */
type Essential<V extends AnyVerb> =
  | Key
  | 'originalEntrustDate'
  | 'originalSerialNo'
  | 'ticketNo'
  | 'account'
  | 'amount'
  | (V extends 'debit' | 'supplementaryDebit' ? never : 'agreementNo' | 'originalAgreementNo' | 'action' | 'event' | 'month' | 'result')
  | (V extends DayEnd ? 'accountingDate' | 'session' | 'noticeNo' | 'summaryNo' | 'count' | 'fee' : never)
type EssentialReply = Key | 'result' | 'amount'
/** What a bank's request says once decoded: the essential fields, and those of the others that this bank carries. */
export type Heard<V extends AnyVerb> = Partial<RequestOf<V>> & Pick<RequestOf<V>, Essential<V> & keyof RequestOf<V>>
/** What a bank's reply says once decoded. */
export type Told<V extends AnyVerb> = Partial<ReplyOf<V>> & Pick<ReplyOf<V>, EssentialReply & keyof ReplyOf<V>>

/** One verb of one bank: its request, its reply and, over HTTP, its own path. */
export type Exchange<V extends AnyVerb> = {
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
  readonly bind?: Exchange<'bind'>
  readonly changeBinding?: Exchange<'changeBinding'>
  readonly cancelBinding?: Exchange<'cancelBinding'>
  readonly suspension?: Exchange<'suspension'>
  readonly bindingStatus?: Exchange<'bindingStatus'>
  readonly verification?: Exchange<'verification'>
  readonly monthlySync?: Exchange<'monthlySync'>
  readonly totals?: Exchange<'totals'>
  readonly fileRequest?: Exchange<'fileRequest'>
  readonly adjustmentNotice?: Exchange<'adjustmentNotice'>
  readonly summaryVoucher?: Exchange<'summaryVoucher'>
  readonly ticketInformation?: Exchange<'ticketInformation'>
  readonly feeStatement?: Exchange<'feeStatement'>
  readonly differenceReport?: Exchange<'differenceReport'>
  /** The files that the bank hands over, and how they are written. */
  readonly files?: { readonly [K in FileName]?: FileCodec<K> }
  /** How the bank reaches the gateway with what it tells of its own accord, the exchanges below: its own dialect the other way round. */
  readonly push?: Line
  readonly bindingResult?: Exchange<'bindingResult'>
  readonly bindingNotice?: Exchange<'bindingNotice'>
  readonly adjustmentReceipt?: Exchange<'adjustmentReceipt'>
  readonly remitConfirmation?: Exchange<'remitConfirmation'>
  readonly treasuryReceipt?: Exchange<'treasuryReceipt'>
  readonly voucherPrinted?: Exchange<'voucherPrinted'>
}

/** Every verb of the unified bank interface, in the order of the catalogue. */
export const everyVerb: readonly AnyVerb[] = Object.keys(exchanges) as AnyVerb[]
/** The verbs that a bank hears, in the order of the catalogue. */
export const verbs: readonly Verb[] = everyVerb.filter((verb): verb is Verb => exchanges[verb].to === 'bank')
/** The verbs that the gateway hears. */
export const pushes: readonly Push[] = everyVerb.filter((verb): verb is Push => exchanges[verb].to === 'gateway')

/** Declares a bank; refuses at load what the types cannot see. */
export const bank = (declaration: Bank): Bank => {
  if (!/^[0-9]{4}$/.test(declaration.code)) fail('bad-declaration', 'a bank’s code is four digits')
  if (pushes.some(push => declaration[push]) !== (declaration.push !== undefined))
    fail('bad-declaration', 'what a bank tells the gateway and the line it comes by are declared together')
  return Object.freeze(declaration)
}

const echoed = ['officeCode', 'entrustDate', 'serialNo', 'ticketNo', 'agreementNo', 'noticeNo', 'summaryNo'] as const
/** The fields by which a reply says what it answers: they are those of the request. */
export type Echoed = (typeof echoed)[number]
/** The part of a reply that repeats its request. */
export const echoOf = (reply: Message, request: { readonly [F in Echoed]?: string }): { readonly [F in Echoed]?: string } =>
  Object.fromEntries(echoed.flatMap(field => (field in reply.fields && request[field] !== undefined ? [[field, request[field]]] : [])))

/** A message of a bank, recognised by its constants. */
export type Recognised<V extends AnyVerb = AnyVerb> = {
  readonly verb: V
  readonly side: 'request' | 'reply'
  readonly codec: Codec<never, unknown>
}

/**
 * Which of a bank's messages these bytes are, by the constants of its layouts (and, over HTTP, by the path); undefined for none. `among`: the
 * verbs that can be meant; all, unless told.
 */
export const recognise = <V extends AnyVerb = AnyVerb>(
  of: Bank,
  bytes: Uint8Array,
  side?: 'request' | 'reply',
  path?: string,
  among: readonly V[] = everyVerb as readonly V[],
): Recognised<V> | undefined => {
  for (const verb of among) {
    const exchange = of[verb]
    if (!exchange || (path !== undefined && exchange.path !== undefined && path !== exchange.path)) continue
    for (const s of side ? [side] : (['request', 'reply'] as const)) {
      if (exchange[s].matches(bytes)) return { verb, side: s, codec: exchange[s] }
    }
  }
  return undefined
}
