import {
  type AnyVerb,
  type Bank,
  type Codec,
  type Exchange,
  echoOf,
  type Heard,
  type InstructionKey,
  type Outcome,
  type OutcomeClass,
  outcome,
  outcomes,
  type Reply,
  type UnifiedCode,
  type Verb,
} from '@taxlink/bank-sdk'
import type { BindingVerdict } from './bindings.ts'
import type { Verdict } from './ledger.ts'

type Exchanges = { readonly [V in AnyVerb]?: Exchange<V> }

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
    return reply(this.#sayable(verb, code, result => this.#bytes(verb, request, reply(result)) !== undefined))
  }

  /** The reply that tells a verdict about an agreement; what the bank's layout does not carry is left out by it. */
  binding<V extends Verb>(verb: V, request: Heard<V>, { code, held, more }: BindingVerdict): Reply<V> {
    const reply = (result: Outcome) => ({ ...held, ...more, result }) as unknown as Reply<V>
    return reply(this.#sayable(verb, code, result => this.#bytes(verb, request, reply(result)) !== undefined))
  }

  /** The reply that tells a code, and figures of the bank's own; what its layout does not carry is left out by it. */
  plain<V extends Verb>(verb: V, request: Heard<V>, code: UnifiedCode, more: object = {}): Reply<V> {
    return this.binding(verb, request, { code, more: more as { readonly [field: string]: unknown } })
  }

  /** What the bank tells of its own accord, with the code in its own words. */
  notice<N extends object>(said: N, code: UnifiedCode): N & { readonly result: Outcome } {
    const codec = this.#exchanges.bindingResult?.request
    const encodes = (result: Outcome): boolean => codec !== undefined && written(codec, { ...said, result }) !== undefined
    return { ...said, result: this.#sayable('bindingResult', code, encodes) }
  }

  #sayable(verb: AnyVerb, code: UnifiedCode, encodes: (result: Outcome) => boolean): Outcome {
    const known = `${verb} ${code}`
    const before = this.#outcomes.get(known)
    if (before) return before
    const found = candidates(code).find(encodes)
    if (found) this.#outcomes.set(known, found)
    return found ?? outcome(code)
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
    return written(codec, { ...echoOf(codec.message, request), ...reply })
  }
}

const written = (codec: Codec<never, unknown>, value: object): Uint8Array | undefined => {
  try {
    return codec.encode(value as never)
  } catch {
    return undefined
  }
}

/**
 * The key of another instruction: after a debit the next one. What is ordered about a ticket beside its debit gets one that nobody has; the next could be of the
 * same ticket, verb and amount, and the answer no wrong one but a lie that nobody can see before the day's file.
 */
export const otherKey = (verb: Verb, request: InstructionKey): { readonly serialNo: string } => ({
  serialNo: String((Number(request.serialNo) + (verb === 'debit' ? 1 : 50_000_000)) % 100_000_000).padStart(8, '0'),
})

const candidates = (code: UnifiedCode): Outcome[] =>
  [code, ...substitutes[outcomes[code].class]].flatMap(said => [outcome(said, said, outcomes[said].zh), outcome(said)])
