import { type Heard, type InstructionKey, keyText, openDigest, type RequestOf, type UnifiedCode } from '@taxlink/bank-sdk'

/** The state of an account; only an `open` one can be debited or bound. */
export type AccountState = 'open' | 'frozen' | 'closed' | 'lost' | 'stopped'
/** The state of a binding at the bank; debits pass under one that is `bound`. */
export type BindingState = 'pending' | 'bound' | 'suspended' | 'cancelled' | 'refused'
/** A binding (绑定) as the bank holds it. Never removed: its end is a state. */
export type Binding = {
  readonly agreementNo: string
  readonly account: string
  readonly state: BindingState
  /** Why it was refused. */
  readonly code?: UnifiedCode
  readonly officeCode?: string
  readonly taxpayerId?: string
  readonly taxpayerName?: string
  readonly payerBankNo?: string
  readonly channel?: 'computer' | 'phone'
  readonly boundOn?: string
  /** The agreement it takes the place of, once it is bound. */
  readonly replaces?: string
}

/** What the bank has to tell the gateway: it stands here until there is a receipt. */
export type Notice =
  | {
      readonly push: 'bindingResult'
      readonly key: InstructionKey
      readonly agreementNo: string
      readonly code: UnifiedCode
      readonly held: Held
    }
  | {
      readonly push: 'bindingNotice'
      readonly key: InstructionKey
      readonly agreementNo: string
      readonly event: NoticeEvent
      readonly reason?: string
    }
/** What a customer or the bank may do to a binding. */
export type NoticeEvent = RequestOf<'bindingNotice'>['event']

/** A change of the bindings; together with those of the accounts they are the ledger. */
export type BindingChange =
  | { readonly type: 'binding'; readonly binding: Binding; readonly asked?: { readonly key: string; readonly content: string } }
  | { readonly type: 'refusal'; readonly asked: { readonly key: string; readonly content: string }; readonly code: UnifiedCode }
  | { readonly type: 'notice'; readonly notice: Notice }
  | { readonly type: 'told'; readonly key: string }

/** What a bank says of a binding besides its code. */
export type Held = Partial<
  Pick<RequestOf<'bindingResult'>, 'taxpayerId' | 'taxpayerName' | 'account' | 'payerBankNo' | 'boundOn' | 'credential'>
>
/** What a bank says to a request about an agreement. */
export type BindingVerdict = { readonly code: UnifiedCode; readonly held?: Held; readonly more?: { readonly [field: string]: unknown } }

/** What the bindings need to know of an account. */
export type Holder = {
  readonly account: string
  readonly state: AccountState
  readonly name?: string
  readonly taxpayerId?: string
  readonly branch?: string
}
type World = {
  readonly holder: (account: string) => Holder | undefined
  readonly date: () => string
  readonly change: (change: BindingChange) => void
}

type Bind = Heard<'bind'> | Heard<'changeBinding'>
const stateCodes = { open: undefined, frozen: '24004', closed: '24005', lost: '24011', stopped: '24012' } as const
const fates = { pending: '99091', bound: '90000', suspended: '24012', cancelled: '24017' } as const
const after = { 'account-closed': 'cancelled', cancelled: 'cancelled', suspended: 'suspended', resumed: 'bound' } as const

/** Why no debit passes under a binding; undefined: one does. */
export const debitRefusal = ({ state }: Binding): UnifiedCode | undefined => {
  if (state === 'bound') return undefined
  return state === 'suspended' || state === 'cancelled' ? fates[state] : '24009'
}

/** The bindings of a bank: deterministic, without clock and without I/O, like its ledger. */
export class Bindings {
  readonly #world: World
  readonly #bindings = new Map<string, Binding>()
  readonly #answered = new Map<string, { readonly content: string; readonly agreementNo?: string; readonly code?: UnifiedCode }>()
  readonly #notices = new Map<string, Notice>()
  #serial = 0

  constructor(world: World) {
    this.#world = world
  }

  /** The binding of an agreement. */
  of(agreementNo: string | undefined): Binding | undefined {
    return agreementNo === undefined ? undefined : this.#bindings.get(agreementNo)
  }

  /** All bindings in the order of their agreement numbers. */
  all(): Binding[] {
    return [...this.#bindings.values()].sort((a, b) => (a.agreementNo < b.agreementNo ? -1 : 1))
  }

  /** A binding that the bank's books begin with. */
  begin(binding: Binding): void {
    if (!this.#bindings.has(binding.agreementNo)) this.#bindings.set(binding.agreementNo, binding)
  }

  /** Binds an account once for all keys; `later` takes it in without deciding. A change ends the original when the new one is bound. */
  bind(request: Bind, later = false): BindingVerdict {
    const asked = { key: keyText(request), content: contentOf(request) }
    const known = this.#known(asked)
    if (known) return known
    const again = this.of(request.agreementNo)
    const code = again ? sameAgain(again, request) : this.#refusalOf(bindingOf(request, 'pending'))
    if (code !== undefined) {
      this.#world.change({ type: 'refusal', asked, code })
      return code === '90000' ? this.#fate(again!) : { code, held: this.#held(bindingOf(request, 'refused')) }
    }
    this.#world.change({ type: 'binding', binding: bindingOf(request, 'pending'), asked })
    return later ? { code: '99091' } : this.decide(request.agreementNo)
  }

  /** Decides a binding that was taken in, as the accounts stand now. */
  decide(agreementNo: string): BindingVerdict {
    const pending = this.of(agreementNo)
    if (!pending) return { code: '24009' }
    if (pending.state !== 'pending') return this.#fate(pending)
    const code = this.#refusalOf(pending, agreementNo)
    const decided: Binding = code ? { ...pending, state: 'refused', code } : { ...pending, state: 'bound', boundOn: this.#world.date() }
    this.#world.change({ type: 'binding', binding: decided })
    const original = code ? undefined : this.of(pending.replaces)
    if (original) this.#world.change({ type: 'binding', binding: { ...original, state: 'cancelled' } })
    return this.#fate(decided)
  }

  /** Ends a binding; one that is over already stays so. */
  cancel({ agreementNo, account }: Heard<'cancelBinding'>): BindingVerdict {
    const binding = this.of(agreementNo)
    if (!binding || binding.state === 'refused') return { code: '24009' }
    if (binding.account !== account) return { code: '24016' }
    if (binding.state !== 'cancelled') this.#world.change({ type: 'binding', binding: { ...binding, state: 'cancelled' } })
    return { code: '90000' }
  }

  /** Stops the payments of an agreement, or ends the stop (annex 2 §4). */
  suspend({ agreementNo, account, action }: Heard<'suspension'>): BindingVerdict {
    const binding = this.of(agreementNo)
    if (!binding || binding.state === 'refused' || binding.state === 'pending') return { code: '24009' }
    if (binding.account !== account) return { code: '24016' }
    if (binding.state === 'cancelled') return { code: '24017' }
    const state = action === 'suspend' ? 'suspended' : 'bound'
    if (binding.state !== state) this.#world.change({ type: 'binding', binding: { ...binding, state } })
    return { code: '90000' }
  }

  /** What became of a binding: never a guess, 24009 where there is none. */
  status({ agreementNo }: Heard<'bindingStatus'>): BindingVerdict {
    const binding = this.of(agreementNo)
    return binding ? this.#fate(binding) : { code: '24009' }
  }

  /** Compares the five particulars with the bank's own (annex 2 §7). */
  verify(request: Heard<'verification'>): BindingVerdict {
    const binding = this.of(request.agreementNo)
    if (!binding || binding.state === 'refused' || binding.state === 'pending') return { code: '24009' }
    const held = this.#held(binding)
    const matches = {
      taxpayerIdMatch: matchOf(request.taxpayerId, held.taxpayerId),
      taxpayerNameMatch: matchOf(request.taxpayerName, held.taxpayerName),
      officeMatch: matchOf(request.officeCode, binding.officeCode),
      branchMatch: matchOf(request.payerBankNo, held.payerBankNo),
      accountMatch: matchOf(request.account, binding.account),
    }
    const more = Object.fromEntries(Object.entries(matches).filter(([, match]) => match !== undefined))
    const { taxpayerIdMatch, taxpayerNameMatch, accountMatch } = matches
    if (accountMatch === 'differs') return { code: '24016', more }
    if (taxpayerIdMatch === 'differs' || taxpayerNameMatch === 'differs') return { code: '24002', more }
    return { code: Object.values(more).includes('differs') ? '93004' : '90000', more }
  }

  /** Compares counts and digest of all that is in force or suspended (art. 44). */
  sync(request: Heard<'monthlySync'>): BindingVerdict {
    const digest = openDigest()
    const more = { inForce: 0, suspended: 0, digest: '' }
    for (const { agreementNo, account, state } of this.all()) {
      if (state !== 'bound' && state !== 'suspended') continue
      more[state === 'bound' ? 'inForce' : 'suspended']++
      digest.add({ agreementNo, account, suspended: state === 'suspended' })
    }
    more.digest = digest.end()
    const same = (['inForce', 'suspended', 'digest'] as const).every(
      field => request[field] === undefined || request[field] === more[field],
    )
    return { code: same ? '90000' : '93004', more }
  }

  /** Something happens to a binding at the bank, and the gateway is to be told; false where there is nothing it could happen to. */
  happen(agreementNo: string, event: NoticeEvent, reason?: string): boolean {
    const binding = this.of(agreementNo)
    if (!binding || binding.state === 'refused') return false
    this.#world.change({ type: 'binding', binding: { ...binding, state: after[event] } })
    const notice = { push: 'bindingNotice', key: this.#nextKey(binding), agreementNo, event } as const
    this.#world.change({ type: 'notice', notice: reason === undefined ? notice : { ...notice, reason } })
    return true
  }

  /** The result of a binding that was taken in is to be told. */
  announce(agreementNo: string): void {
    const binding = this.of(agreementNo)
    if (!binding || binding.state === 'pending') return
    const { code, held = {} } = this.#fate(binding)
    this.#world.change({ type: 'notice', notice: { push: 'bindingResult', key: this.#nextKey(binding), agreementNo, code, held } })
  }

  /** The gateway has given its receipt. */
  told(key: string): void {
    this.#world.change({ type: 'told', key })
  }

  /** What the gateway has given no receipt for. */
  untold(): Notice[] {
    return [...this.#notices.values()]
  }

  /** The agreements taken in and not decided. */
  pending(): string[] {
    return this.all().flatMap(({ agreementNo, state }) => (state === 'pending' ? [agreementNo] : []))
  }

  /** Makes a change that was decided before. */
  apply(change: BindingChange): void {
    if (change.type === 'binding') {
      const { binding, asked } = change
      this.#bindings.set(binding.agreementNo, binding)
      if (asked) this.#answered.set(asked.key, { content: asked.content, agreementNo: binding.agreementNo })
    } else if (change.type === 'refusal') this.#answered.set(change.asked.key, { content: change.asked.content, code: change.code })
    else if (change.type === 'told') this.#notices.delete(change.key)
    else {
      this.#notices.set(keyText(change.notice.key), change.notice)
      this.#serial = Math.max(this.#serial, Number(change.notice.key.serialNo) - firstSerial)
    }
  }

  /** The answer a key already has: that of the first time, or what has become of it since. */
  #known({ key, content }: { readonly key: string; readonly content: string }): BindingVerdict | undefined {
    const before = this.#answered.get(key)
    if (!before) return undefined
    if (before.content !== content) return { code: '93004' }
    const binding = this.of(before.agreementNo)
    return binding ? this.#fate(binding) : { code: before.code ?? '24009' }
  }

  /** Why an account is not bound; undefined: it is. `but`: an agreement that does not stand in its own way. */
  #refusalOf(request: Binding, but?: string): UnifiedCode | undefined {
    const holder = this.#world.holder(request.account)
    if (!holder) return '24001'
    const closed = stateCodes[holder.state]
    if (closed) return closed
    if (!alike(request.taxpayerName, holder.name) || !alike(request.taxpayerId, holder.taxpayerId)) return '24002'
    const { replaces } = request
    const code = this.#noOriginal(replaces)
    if (code) return code
    const other = this.all().find(
      one =>
        one.account === request.account &&
        ![but, replaces].includes(one.agreementNo) &&
        (one.state === 'bound' || one.state === 'suspended') &&
        (one.officeCode === undefined || one.officeCode === request.officeCode),
    )
    return other ? '24016' : undefined
  }

  /** Why an agreement cannot be replaced; undefined: it can, or none is to be. */
  #noOriginal(replaces: string | undefined): UnifiedCode | undefined {
    if (replaces === undefined) return undefined
    const original = this.of(replaces)
    if (!original || original.state === 'refused' || original.state === 'pending') return '24009'
    return original.state === 'cancelled' ? '24017' : undefined
  }

  #fate(binding: Binding): BindingVerdict {
    if (binding.state === 'refused') return { code: binding.code ?? '24009', held: this.#held(binding) }
    return binding.state === 'pending' ? { code: '99091' } : { code: fates[binding.state], held: this.#held(binding) }
  }

  /** The profile as the bank's own books have it. Of a code and a password only that they were issued. */
  #held(binding: Binding): Held {
    const holder = this.#world.holder(binding.account)
    const held: { [field: string]: string | undefined } = {
      taxpayerId: holder?.taxpayerId ?? binding.taxpayerId,
      taxpayerName: holder?.name ?? binding.taxpayerName,
      account: binding.account,
      payerBankNo: holder?.branch ?? binding.payerBankNo,
      boundOn: binding.boundOn,
      credential: binding.boundOn === undefined ? undefined : binding.channel === 'phone' ? 'issued' : 'not-issued',
    }
    return Object.fromEntries(Object.entries(held).filter(([, value]) => value !== undefined)) as Held
  }

  #nextKey({ officeCode = '14301020000' }: Binding): InstructionKey {
    return { officeCode, entrustDate: this.#world.date(), serialNo: String(firstSerial + ++this.#serial) }
  }
}

/** Where the bank's own serial numbers begin. */
const firstSerial = 70_000_000

/** An agreement that is here already, under another key: the same again is no error, anything else is. */
const sameAgain = (binding: Binding, request: Bind): UnifiedCode => {
  if (binding.account !== request.account) return '24016'
  return binding.state === 'cancelled' ? '24017' : '90000'
}

const bindingOf = (request: Bind, state: BindingState): Binding => {
  const { agreementNo, account, officeCode, taxpayerId, taxpayerName, payerBankNo, channel } = request
  return {
    agreementNo,
    account,
    state,
    officeCode,
    ...(taxpayerId === undefined ? {} : { taxpayerId }),
    ...(taxpayerName === undefined ? {} : { taxpayerName }),
    ...(payerBankNo === undefined ? {} : { payerBankNo }),
    ...(channel === undefined ? {} : { channel }),
    ...('originalAgreementNo' in request ? { replaces: request.originalAgreementNo } : {}),
  }
}
const contentOf = (request: Bind): string => JSON.stringify(bindingOf(request, 'pending'))
const matchOf = (asked: string | undefined, held: string | undefined): 'same' | 'differs' | undefined =>
  asked === undefined || held === undefined ? undefined : asked === held ? 'same' : 'differs'

/** Names that differ in width or blanks only are one name to a bank's clerk; the tax side is told how the bank writes it. */
const alike = (asked: string | undefined, known: string | undefined): boolean =>
  asked === undefined || known === undefined || squeezed(asked) === squeezed(known)
const squeezed = (name: string): string => name.normalize('NFKC').replace(/\s+/g, '')
