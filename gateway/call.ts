import { hash } from 'node:crypto'
import {
  type Bank,
  dial,
  exchanges,
  Fault,
  type Fields,
  fail,
  faults,
  keyText,
  maskText,
  maskValues,
  type Outcome,
  outcome,
  type Peer,
  type RequestOf,
  recognise,
  type Tls,
  type Told,
  type Verb,
  verbs,
} from '@taxlink/bank-sdk'
import type { BankPolicy } from './domain/bank.ts'
import type { Answer } from './domain/debit.ts'

/**
 * What came of a call: the answer for the rules, what the bank said where it could be read and is an answer to this, and the transcript for the
 * record (private fields masked, bytes as SHA-256).
 */
export type Called = { readonly answer: Answer; readonly told?: Told<Verb>; readonly transcript: string }
/**
 * Calls a bank once; it never retries, and never throws: whatever happened is an answer. `timeoutMs` bounds the wait. `maySend` is asked just
 * before the first byte leaves: after a no the request is undelivered.
 */
export type Call = <V extends Verb>(
  bankCode: string,
  verb: V,
  request: RequestOf<V>,
  timeoutMs: number,
  maySend?: () => boolean,
) => Promise<Called>

/** An answer that nobody waited for: late, foreign or unreadable. */
export type Late = {
  readonly bankCode: string
  readonly verb?: Verb
  readonly officeCode?: string
  readonly entrustDate?: string
  readonly serialNo?: string
  readonly fault?: string
  readonly ticketNo?: string
  /** What it said, for the rules and for the record, where it could be read. */
  readonly called?: Called
}

/** The lines to all banks of the province. */
export type Banks = {
  readonly call: Call
  /** Puts these lines in place of the present ones: what is the same stays open, what is gone or changed ends once nothing is under way on it. */
  use(lines: readonly BankLine[]): void
  /** Sockets and requests under way, per bank. */
  state(): { readonly bankCode: string; readonly connections: number; readonly inFlight: number }[]
  close(): Promise<void>
}

/** A bank, where it is, what its contract promises, and the certificates of its line. */
export type BankLine = { readonly bank: Bank; readonly url: string; readonly policy: BankPolicy; readonly tls?: Tls }

type Heard = { readonly verb: Verb; readonly told: Told<Verb>; readonly bytes: Uint8Array }

type Open = { readonly bank: Bank; readonly peer: Peer<Heard>; readonly of: string }

/**
 * Opens the lines (sockets when first needed). `late` is told of answers that came when nobody waited any more. `dialling` is how a bank is
 * reached: over sockets, unless a simulated network takes their place.
 */
export const openBanks = (lines: readonly BankLine[], late: (answer: Late) => void, dialling: typeof dial = dial): Banks => {
  const opened = new Map<string, Open>()
  const use = (next: readonly BankLine[]): void => {
    const wanted = new Map(next.map(line => [line.bank.code, line]))
    for (const [code, { peer, of }] of opened) {
      const line = wanted.get(code)
      if (line && of === particulars(line)) wanted.delete(code)
      else {
        opened.delete(code)
        void peer.close()
      }
    }
    const faults: string[] = []
    for (const [code, line] of wanted) {
      try {
        opened.set(code, { bank: line.bank, peer: openPeer(line, late, dialling), of: particulars(line) })
      } catch (error) {
        faults.push(`bank ${code}: ${String(error)}`)
      }
    }
    // One bank's wrong address is that bank's: the others have their lines before anybody hears of it.
    if (faults.length > 0) fail('bad-config', faults.join('; '), {}, 'no')
  }
  use(lines)
  return {
    use,
    call: async (bankCode, verb, request, timeoutMs, maySend) => {
      const line = opened.get(bankCode)
      if (line) return callBank(line.bank, line.peer, verb, request, timeoutMs, maySend)
      return { answer: { kind: 'undelivered', fault: 'connect-failed' }, transcript: '{"fault":"no address is configured for this bank"}' }
    },
    state: () => [...opened].map(([bankCode, { peer }]) => ({ bankCode, ...peer.state() })),
    close: async () => {
      await Promise.all([...opened.values()].map(({ peer }) => peer.close()))
    },
  }
}

/** What a line is opened with; another text means another line. */
const particulars = ({ url, policy, tls }: BankLine): string => JSON.stringify([url, policy.connections, policy.pipeline, tls])

const openPeer = ({ bank, url, policy, tls }: BankLine, late: (answer: Late) => void, dialling: typeof dial): Peer<Heard> => {
  const read = (bytes: Uint8Array) => {
    const found =
      recognise(bank, bytes, 'reply', undefined, verbs) ?? fail('unknown-message', `${bytes.length} bytes that are no reply of this bank`)
    const told = withoutPrivate(found.codec.decode(bytes) as Told<Verb>)
    return { key: correlation(found.verb, told), value: { verb: found.verb, told, bytes } }
  }
  const options = { connections: policy.connections, pipeline: policy.pipeline, connectMs: 5_000, idleMs: 60_000, ...(tls ? { tls } : {}) }
  return dialling<Heard>(bank.line, url, options, read, ({ value, fault }) => {
    late({
      bankCode: bank.code,
      ...(value ? heardLate(value) : {}),
      ...(fault ? { fault: fault.fault } : {}),
    })
  })
}

const heardLate = ({ verb, told, bytes }: Heard): Partial<Late> => {
  const reply = maskValues(exchanges[verb].reply.fields, told)
  return {
    verb,
    officeCode: told.officeCode,
    entrustDate: told.entrustDate,
    serialNo: told.serialNo,
    ...('ticketNo' in told && told.ticketNo !== undefined ? { ticketNo: told.ticketNo } : {}),
    called: {
      answer: answerOf(told, {}),
      transcript: JSON.stringify({ verb, reply, gotBytes: bytes.length, gotSha256: sha256(bytes) }),
    },
  }
}

/** What ties an answer to its request: the verb and the key, never the order of arrival. */
const correlation = (verb: Verb, key: { officeCode: string; entrustDate: string; serialNo: string }): string => `${verb}|${keyText(key)}`

/** A run with a digit in it, so long that it may be an account or a taxpayer's id. */
const longRun = /(?=[A-Za-z]*[0-9])[0-9A-Za-z]{12,}/g
/**
 * The bank's own words, in which it may repeat what is private of the request: masked before anybody keeps or shows them. Where the request is not at hand (an
 * answer that nobody waited for) only what may be an account or an id is.
 */
const withoutPrivate = <T extends Told<Verb>>(told: T, fields: Fields = {}, request: { readonly [name: string]: unknown } = {}): T => {
  const { bankText } = told.result
  if (bankText === undefined) return told
  const known = Object.entries(fields).reduce((text, [name, { mask }]) => {
    const value = request[name]
    return mask !== undefined && typeof value === 'string' && value !== '' ? text.replaceAll(value, maskText(mask, value)) : text
  }, bankText)
  return { ...told, result: { ...told.result, bankText: known.replace(longRun, run => maskText('account', run)) } }
}

const callBank = async <V extends Verb>(
  bank: Bank,
  peer: Peer<Heard>,
  verb: V,
  request: RequestOf<V>,
  timeoutMs: number,
  maySend: () => boolean = () => true,
): Promise<Called> => {
  const shown = () => maskValues(exchanges[verb].request.fields, request)
  const exchange = bank[verb]
  if (!exchange)
    return { answer: unsendable('unknown-message', '93003', '该银行不支持此交易'), transcript: JSON.stringify({ request: shown() }) }
  let bytes: Uint8Array
  try {
    bytes = exchange.request.encode(request as never)
  } catch (error) {
    const fault = asFault(error)
    const code = fault.fault === 'too-long' || fault.fault === 'over-limit' ? '93001' : fault.fault === 'missing' ? '93002' : '93003'
    return { answer: unsendable(fault.fault, code, textOf(fault)), transcript: JSON.stringify({ request: shown(), fault: fault.toJSON() }) }
  }
  const sent = { sentBytes: bytes.length, sentSha256: sha256(bytes) }
  try {
    const { told: heard, bytes: answered } = await peer.ask({
      bytes,
      key: correlation(verb, request),
      timeoutMs,
      onSend: () => {
        if (!maySend()) fail('line-busy', 'it may not be sent any more: held up too long, or its bank is halted', {}, 'no')
      },
      ...(exchange.path === undefined ? {} : { path: exchange.path }),
    })
    const told = withoutPrivate(heard, exchanges[verb].request.fields, request)
    const answer = answerOf(told, request)
    const transcript = JSON.stringify({
      // What was asked stands frozen in the record; it is repeated, masked, where a person may have to look.
      ...(isCertain(answer) ? {} : { request: shown() }),
      ...sent,
      reply: maskValues(exchanges[verb].reply.fields, told),
      gotBytes: answered.length,
      gotSha256: sha256(answered),
    })
    return { answer, transcript, ...(answer.kind === 'answered' ? { told } : {}) }
  } catch (error) {
    const fault = asFault(error)
    return { answer: unanswered(fault), transcript: JSON.stringify({ request: shown(), ...sent, fault: fault.toJSON() }) }
  }
}

type About = { readonly ticketNo?: string; readonly agreementNo?: string }
/** The bank's words as an answer for the rules. A reply about another ticket or agreement under our key is no answer at all. */
const answerOf = (told: Told<Verb>, asked: object): Answer => {
  const [named, meant] = [told as About, asked as About]
  for (const field of ['ticketNo', 'agreementNo'] as const)
    if (named[field] !== undefined && meant[field] !== undefined && named[field] !== meant[field])
      return unanswered(new Fault('answer-mismatch', 'the reply is about another', { field }))
  return {
    kind: 'answered',
    outcome: told.result,
    amount: 'amount' in told ? told.amount : 0,
    ...('bankSerial' in told && told.bankSerial !== undefined ? { bankSerial: told.bankSerial } : {}),
    ...('accountingDate' in told && told.accountingDate !== undefined ? { accountingDate: told.accountingDate } : {}),
  }
}

const isCertain = (answer: Answer): boolean =>
  answer.kind === 'answered' && (answer.outcome.class === 'succeeded' || answer.outcome.class === 'refused')

const unsendable = (fault: string, code: '93001' | '93002' | '93003', text: string): Answer => ({
  kind: 'unsendable',
  fault,
  outcome: own(code, text),
})

const unanswered = (fault: Fault): Answer =>
  fault.delivered === 'no'
    ? { kind: 'undelivered', fault: fault.fault, ...(fault.fault === 'line-busy' ? { held: true } : {}) }
    : { kind: 'doubtful', fault: fault.fault, outcome: own(fault.fault === 'timeout' ? '28003' : '99090', textOf(fault)) }

/** An outcome the gateway itself found, in the bank's place; its text fits the 60 characters of a bank's. */
const own = (code: '93001' | '93002' | '93003' | '28003' | '99090', text: string): Outcome =>
  outcome(code, code, Array.from(text).slice(0, 60).join(''))

const textOf = (fault: Fault): string => `${faults[fault.fault].zh}${fault.at.field ? `:${fault.at.field}` : ''}`

const asFault = (error: unknown): Fault =>
  error instanceof Fault ? error : new Fault('internal', error instanceof Error ? error.name : 'not an error')

const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex')
