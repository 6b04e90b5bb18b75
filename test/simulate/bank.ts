import {
  type Bank,
  type Exchange,
  type Heard,
  keyText,
  outcome,
  type Reply,
  recognise,
  type UnifiedCode,
  type Verb,
  verbs,
} from '@taxlink/bank-sdk'
import { type Account, Ledger } from '../../conformance/simulator/ledger.ts'
import { otherKey, Speech } from '../../conformance/simulator/speech.ts'
import type { World } from './world.ts'

/** What a bank does to a request besides what its ledger says. Money follows the ledger in every case. */
export type Deed =
  | 'silent'
  | 'silent-after-booking'
  | 'in-progress'
  | 'refused-at-the-door'
  | 'busy'
  | 'busy-after-booking'
  | 'unlisted'
  | 'twice'
  | 'wrong-key'
  | 'wrong-amount'
  | 'wrong-ticket'
  | 'books-less'
  | 'claims-more'
  | 'claims-all'
  | 'garbage'

/** How often a bank is not as it should be, out of 1, and how. */
export type BankFaults = { odd: number; readonly deeds: readonly Deed[] }

/** What a request of the gateway says: read once, when it leaves. */
export type Asked = { readonly verb: Verb; readonly key: string; readonly ticketNo: string; readonly heard: Heard<Verb> }

/** What goes back: the bytes, and what they say, where they say anything. */
export type Back = (bytes: Uint8Array, code: UnifiedCode | undefined) => void

type Instruction = Heard<'debit'> & Heard<'supplementaryDebit'> & Heard<'reversal'> & Heard<'inquiry'>
type Exchanges = { readonly [V in Verb]?: Exchange<V> }
const doorCodes: readonly UnifiedCode[] = ['31004', '28001', '91005']

/** A simulated bank: the declared layouts, a ledger of its own, and its oddities. */
export class SimulatedBank {
  readonly bank: Bank
  readonly ledger: Ledger
  /** The same key is booked once for all. */
  readonly dedupes: boolean
  /** Of what it has given back before it says no more than that it cannot be reversed (34001). */
  readonly #isTerse: boolean
  isAway = false
  /** The keys under which it books one fen less than asked: a bank that is wrong itself. */
  readonly less = new Set<string>()
  /** What it says of a key, and what it has, until two persons have found out: then it answers questions by its books. */
  readonly lies = new Map<string, { readonly ticketNo: string; readonly claims: number; readonly has: number; found: boolean }>()
  readonly faults: BankFaults
  readonly #world: World
  readonly #speech: Speech
  readonly #atTheDoor = new Map<string, UnifiedCode>()

  /** `booked` is told of the ticket of each booking. */
  constructor(
    world: World,
    bank: Bank,
    options: {
      readonly accounts: readonly Account[]
      readonly accountingDate: string
      readonly dedupes: boolean
      readonly reversals: 'any' | 'whole-only' | 'none'
      readonly faults: BankFaults
      readonly booked: (ticketNo: string) => void
    },
  ) {
    this.#world = world
    this.bank = bank
    this.dedupes = options.dedupes
    this.#isTerse = !options.dedupes && world.random.percent(50)
    this.faults = options.faults
    this.ledger = new Ledger({
      accounts: options.accounts,
      accountingDate: options.accountingDate,
      dedupe: options.dedupes ? 'by-key' : 'none',
      reversals: options.reversals,
      write: change => {
        if (change.type !== 'decision' || change.serial === undefined) return
        world.trace.add(world.now, bank.code, change.verb, change.ticketNo)
        options.booked(change.ticketNo)
      },
    })
    this.#speech = new Speech(bank)
  }

  /** From now on nothing can be debited from this account. */
  freeze(account: string): void {
    const found = [...this.ledger.accounts()].find(a => a.account === account)
    if (found) this.ledger.set({ account, balance: found.balance, state: 'frozen' })
  }

  /** What these bytes ask for. */
  read(bytes: Uint8Array): Asked {
    const found = recognise(this.bank, bytes, 'request', undefined, verbs)
    if (!found) throw new Error('the gateway sent what is no request of this bank')
    const heard = found.codec.decode(bytes) as Instruction
    return { verb: found.verb, key: keyText(heard), ticketNo: heard.ticketNo ?? '', heard: heard as Heard<Verb> }
  }

  /** A request has come; `answer` is called with what goes back, as often as something does. */
  hear(asked: Asked, answer: Back) {
    const { random } = this.#world
    const deed = this.faults.odd > 0 && random.next() < this.faults.odd ? random.pick(this.faults.deeds) : undefined
    if (deed) {
      this.#world.trace.add(this.#world.now, this.bank.code, deed, asked.ticketNo)
      this.#world.fault(`bank: ${deed}`)
    }
    if (asked.verb === 'linkTest') return deed === 'silent' ? undefined : this.#tell(asked, this.#act(asked), answer)
    const known = this.#atTheDoor.get(asked.key)
    if (known && asked.verb !== 'inquiry') return this.#say(asked, known, answer)
    if (deed) this.#odd(deed, asked, answer)
    else this.#tell(asked, this.#act(asked), answer)
  }

  #act({ verb, heard, key }: Asked) {
    const { ledger } = this
    const request = this.less.has(key) ? lessened(heard as Instruction) : (heard as Instruction)
    const now = new Date(this.#world.now)
    const lie = this.lies.get(key)
    if (lie && (verb === 'debit' || (verb === 'inquiry' && !lie.found))) {
      const serial = '2026111088888888'
      return this.#speech.reply(verb, request, { code: '90000', amount: lie.claims, serial, date: ledger.accountingDate })
    }
    if (verb === 'debit') return this.#speech.reply('debit', request, ledger.debit(request, now))
    if (verb === 'supplementaryDebit') return this.#speech.reply('supplementaryDebit', request, ledger.supplementaryDebit(request, now))
    if (verb === 'reversal') {
      const verdict = ledger.reverse(request, now)
      const said = this.#isTerse && verdict.code === '94032' ? { ...verdict, code: '34001' as const, amount: 0 } : verdict
      return this.#speech.reply('reversal', request, said)
    }
    if (verb === 'linkTest') return this.#speech.reply('linkTest', request, ledger.linkTest())
    return this.#speech.reply('inquiry', request, ledger.inquire(request))
  }

  #odd(deed: Deed, asked: Asked, answer: Back) {
    const { random } = this.#world
    switch (deed) {
      case 'silent':
        return
      case 'silent-after-booking':
        this.#act(asked)
        return
      case 'in-progress':
        return this.#inProgress(asked, answer)
      case 'refused-at-the-door': {
        const code = random.pick(doorCodes)
        // A bank that is certified to answer a key always alike keeps to it, here too.
        const keeps = asked.verb === 'debit' || (this.dedupes && asked.verb !== 'inquiry')
        if (keeps && this.ledger.inquire(asked.heard as Heard<'inquiry'>).code !== '94054') break
        if (keeps) this.#atTheDoor.set(asked.key, code)
        return this.#say(asked, code, answer)
      }
      case 'busy':
        return this.#say(asked, '94999', answer)
      case 'busy-after-booking':
        this.#act(asked)
        return this.#say(asked, '94999', answer)
      case 'unlisted':
        return answer(this.#speech.unlisted('debit', asked.heard as Heard<'debit'>, this.#act(asked) as Reply<'debit'>), undefined)
      case 'twice': {
        const reply = this.#act(asked)
        this.#tell(asked, reply, answer)
        return this.#tell(asked, reply, answer)
      }
      case 'wrong-key':
        return answer(this.#bytes(asked, { ...this.#act(asked), ...otherKey(asked.verb, asked.heard) }), undefined)
      case 'wrong-ticket': {
        // What became of another one, under this one's key; nothing is booked.
        const { amount = 1 } = asked.heard as Partial<Instruction>
        const verdict = { code: '90000', amount, serial: '2026111099999999', date: this.ledger.accountingDate } as const
        const reply = this.#speech.reply(asked.verb, asked.heard, verdict)
        return answer(this.#bytes(asked, { ...reply, ...{ ticketNo: '430000000000999999' } }), undefined)
      }
      case 'books-less':
        if (asked.verb === 'debit' && this.ledger.inquire(asked.heard as Heard<'inquiry'>).code === '94054') this.less.add(asked.key)
        break
      case 'claims-more':
      case 'claims-all':
        // It keeps to what it has said of a key.
        if (asked.verb !== 'debit' || this.lies.has(asked.key)) break
        if (this.ledger.inquire(asked.heard as Heard<'inquiry'>).code === '94054') this.#lie(deed, asked)
        break
      case 'wrong-amount': {
        const reply = this.#act(asked) as Reply<'debit'>
        return this.#tell(asked, reply.amount > 1 ? { ...reply, ...{ amount: reply.amount - 1 } } : reply, answer)
      }
      case 'garbage':
        this.#act(asked)
        return answer(new Uint8Array(64).fill(0xff), undefined)
    }
    this.#tell(asked, this.#act(asked), answer)
  }

  /** From now on it says of this key that all is debited, though less is, or nothing. */
  #lie(deed: 'claims-more' | 'claims-all', asked: Asked) {
    const request = asked.heard as Instruction
    if (request.amount === 1) return
    if (deed === 'claims-all') return this.#lied(asked, 0)
    const missing = this.#world.random.pick([1, this.#world.random.whole(1, request.amount - 1)])
    const { code } = this.ledger.debit(lessened(request, missing), new Date(this.#world.now))
    if (code === '90000') this.#lied(asked, request.amount - missing)
  }

  #lied({ key, ticketNo, heard }: Asked, has: number): void {
    const { amount } = heard as Instruction
    if (has === amount) return
    this.lies.set(key, { ticketNo, claims: amount, has, found: false })
    this.#world.trace.add(this.#world.now, this.bank.code, 'lies', ticketNo)
  }

  #inProgress(asked: Asked, answer: Back) {
    const { verb, key } = asked
    // What it has lied about it does not take in hand after all.
    if ((verb !== 'debit' && verb !== 'supplementaryDebit') || this.lies.has(key)) return this.#tell(asked, this.#act(asked), answer)
    const request = this.less.has(key) ? lessened(asked.heard as Instruction) : (asked.heard as Instruction)
    const taken = this.ledger.accept(verb, request, new Date(this.#world.now))
    this.#world.after(this.#world.random.whole(100, 120_000), () => {
      this.ledger.complete(key, new Date(this.#world.now))
      this.#world.touch()
    })
    this.#tell(asked, this.#speech.reply(verb, request, taken), answer)
  }

  /** Answers with a code, whatever the ledger would say. */
  #say(asked: Asked, code: UnifiedCode, answer: Back): void {
    const verdict = { code, amount: 0, date: this.ledger.accountingDate }
    this.#tell(asked, this.#speech.reply(asked.verb, asked.heard, verdict), answer)
  }

  #tell(asked: Asked, reply: { readonly result: { readonly code: UnifiedCode } }, answer: Back): void {
    answer(this.#bytes(asked, reply), reply.result.code)
  }

  #bytes(asked: Asked, reply: { readonly result: { readonly code: UnifiedCode } }): Uint8Array {
    const { officeCode, entrustDate, serialNo, ticketNo } = asked.heard as Partial<Instruction>
    const exchange = (this.bank as Exchanges)[asked.verb]!
    const full = { officeCode, entrustDate, serialNo, ...(ticketNo === undefined ? {} : { ticketNo }), ...reply }
    const encode = (value: object): Uint8Array => (exchange.reply.encode as (value: object) => Uint8Array)(value)
    try {
      return encode(full)
    } catch {
      return encode({ ...full, result: outcome(reply.result.code) })
    }
  }
}

const lessened = ({ items: _items, ...request }: Instruction, by = 1): Instruction =>
  ({ ...request, amount: Math.max(1, request.amount - by) }) as Instruction
