import {
  type Bank,
  type Exchange,
  type Heard,
  type InstructionKey,
  type Outcome,
  type OutcomeClass,
  outcome,
  outcomes,
  type Reply,
  type ReplyOf,
  type UnifiedCode,
  type Verb,
} from '@taxlink/bank-sdk'
import type { Verdict } from './ledger.ts'

type Exchanges = { readonly [V in Verb]?: Exchange<V> }

// A bank without a code for what its ledger says takes one of the same class: never one that would say more, or less, of the money.
// 94054 is no substitute: it says that there is no original.
const substitutes: { readonly [C in OutcomeClass]: readonly UnifiedCode[] } = {
  succeeded: ['90000'],
  refused: ['93004', '93003', '24011', '34001', '24001'],
  unknown: ['94999', '24006', '28003', '28002'],
  'in-progress': ['94999', '24006', '28003', '28002'],
}

/** How a bank tells a verdict of its ledger: in the codes and texts its own layouts have. */
export class Speech {
  readonly #exchanges: Exchanges
  readonly #outcomes = new Map<string, Outcome>()

  constructor(bank: Bank) {
    this.#exchanges = bank
  }

  /** The reply that tells the verdict. */
  reply<V extends Verb>(verb: V, request: Heard<V>, verdict: Verdict): Reply<V> {
    const { amount, serial, date, code } = verdict
    const told = verb === 'linkTest' ? {} : serial === undefined ? { amount } : { amount, bankSerial: serial }
    const reply = (result: Outcome) => ({ ...told, result, accountingDate: date }) as unknown as Reply<V>
    const known = `${verb} ${code}`
    let result = this.#outcomes.get(known)
    if (!result) {
      result = candidates(code).find(candidate => this.#bytes(verb, request, reply(candidate)) !== undefined)
      if (result) this.#outcomes.set(known, result)
    }
    return reply(result ?? outcome(code))
  }

  /** The reply with a result code that is in no table. */
  unlisted<V extends Verb>(verb: V, request: Heard<V>, reply: Reply<V>): Uint8Array {
    const bytes = this.#bytes(verb, request, reply) ?? new Uint8Array([0x21])
    const codec = this.#exchanges[verb]!.reply
    if (codec.layout === 'json') {
      const body = JSON.parse(Buffer.from(bytes).toString('utf8')) as { result: object }
      return Buffer.from(JSON.stringify({ ...body, result: { ...body.result, code: '77777', bankCode: '77777' } }))
    }
    const place = codec.explain(bytes).find(row => row.field === 'result' || row.field === 'result.code')
    if (!place) return bytes
    for (const digit of ['7', '6', 'Z', 'X']) {
      const patched = Uint8Array.from(bytes)
      patched.fill(digit.charCodeAt(0), place.offset, place.offset + place.width)
      if (codec.decode(patched).result?.code === '99090') return patched
    }
    return bytes
  }

  #bytes<V extends Verb>(verb: V, request: Heard<V>, reply: Reply<V>): Uint8Array | undefined {
    const codec = this.#exchanges[verb]!.reply
    const { officeCode, entrustDate, serialNo } = request
    const ticket = 'ticketNo' in codec.message.fields && 'ticketNo' in request ? { ticketNo: request.ticketNo } : {}
    try {
      return codec.encode({ officeCode, entrustDate, serialNo, ...ticket, ...reply } as unknown as ReplyOf<V>)
    } catch {
      return undefined
    }
  }
}

/** The key of the instruction after this one. */
export const otherKey = (request: InstructionKey): { readonly serialNo: string } => ({
  serialNo: String((Number(request.serialNo) + 1) % 100_000_000).padStart(8, '0'),
})

const candidates = (code: UnifiedCode): Outcome[] =>
  [code, ...substitutes[outcomes[code].class]].flatMap(said => [outcome(said, said, outcomes[said].zh), outcome(said)])
