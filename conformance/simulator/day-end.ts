import { type Heard, type InstructionKey, keyText, type Push, type RequestOf, type UnifiedCode } from '@taxlink/bank-sdk'

/** What the bank has to tell the gateway about a day that is over: it stands here until there is a receipt. */
export type Telling = {
  readonly [P in DayEndPush]: { readonly push: P; readonly key: InstructionKey; readonly values: Omit<RequestOf<P>, keyof InstructionKey> }
}[DayEndPush]
type DayEndPush = Exclude<Push, 'bindingResult' | 'bindingNotice'>

/** Something that the bank was told: what was asked of it, and whether it has done it. */
export type Task = {
  readonly kind: 'adjustmentNotice' | 'summaryVoucher' | 'ticketInformation' | 'differenceReport' | 'feeStatement'
  /** The number of the notice, the voucher, the ticket; or the key. */
  readonly id: string
  /** What it was told, with the key under which it was. */
  readonly request: InstructionKey
  readonly done: boolean
}
/** A change of what is known of the days that are over; they stand in the journal with all others. */
export type DayEndChange =
  | { readonly type: 'task'; readonly task: Task }
  | { readonly type: 'telling'; readonly telling: Telling }
  | { readonly type: 'telling-done'; readonly key: string }

type World = { readonly date: () => string; readonly change: (change: DayEndChange) => void }
type Voucher = Heard<'summaryVoucher'>

/** Whether a change of the ledger is one of these. */
export const isDayEndChange = (change: { readonly type: string }): change is DayEndChange =>
  change.type === 'task' || change.type === 'telling' || change.type === 'telling-done'

/** Where the bank's own serial numbers begin, behind those of its bindings. */
const firstSerial = 80_000_000

/** What a bank has heard of its days that are over, and what it has to tell of them: deterministic, without clock and without I/O. */
export class DayEnd {
  readonly #world: World
  readonly #tasks = new Map<string, Task>()
  readonly #tellings = new Map<string, Telling>()
  #serial = 0

  constructor(world: World) {
    this.#world = world
  }

  /** All that it was told, in that order. */
  tasks(): Task[] {
    return [...this.#tasks.values()]
  }

  /** What the gateway has given no receipt for. */
  untold(): Telling[] {
    return [...this.#tellings.values()]
  }

  /** The gateway has given its receipt. */
  told(key: string): void {
    this.#world.change({ type: 'telling-done', key })
  }

  /** Takes something in once: the same again is 90000, under the same number with another content 93004. */
  take(kind: Task['kind'], id: string, request: InstructionKey): UnifiedCode {
    const known = this.#tasks.get(`${kind} ${id}`)
    if (known) return contentOf(known.request) === contentOf(request) ? '90000' : '93004'
    this.#world.change({ type: 'task', task: { kind, id, request, done: false } })
    return '90000'
  }

  /** Whether something was taken in and is not done yet. */
  isOpen(kind: Task['kind'], id: string): boolean {
    return this.#tasks.get(`${kind} ${id}`)?.done === false
  }

  /** What was taken in is done; false where it was before. */
  finish(kind: Task['kind'], id: string): boolean {
    const task = this.#tasks.get(`${kind} ${id}`)
    if (!task || task.done) return false
    this.#world.change({ type: 'task', task: { ...task, done: true } })
    return true
  }

  /** The lead branch has remitted a voucher (art. 37), `short` fen less than it should, and the treasury has entered it (art. 38). */
  remit({ officeCode, summaryNo, amount, treasuryCode = '' }: Voucher, short = 0): void {
    if (!this.finish('summaryVoucher', summaryNo)) return
    const date = this.#world.date()
    const paid = amount - short
    this.#tell(officeCode, 'remitConfirmation', { summaryNo, amount: paid, remittedAt: date })
    if (treasuryCode !== '') this.#tell(officeCode, 'treasuryReceipt', { summaryNo, treasuryCode, amount: paid, enteredOn: date })
  }

  /** A branch has printed the voucher of a ticket (art. 34). */
  print({ officeCode, ticketNo, printMark = 'original' }: Heard<'ticketInformation'>): void {
    if (!this.finish('ticketInformation', `${ticketNo} ${printMark}`)) return
    this.#tell(officeCode, 'voucherPrinted', { ticketNo, copies: 1, printMark, printedOn: this.#world.date() })
  }

  /** What a notice asked for has been booked (art. 35(1)). */
  adjusted(
    { officeCode, noticeNo }: Heard<'adjustmentNotice'>,
    booked: { readonly amount: number; readonly serial?: string; readonly date: string },
  ): void {
    if (!this.finish('adjustmentNotice', noticeNo)) return
    const { amount, serial, date } = booked
    this.#tell(officeCode, 'adjustmentReceipt', {
      noticeNo,
      amount,
      accountingDate: date,
      ...(serial === undefined ? {} : { bankSerial: serial }),
    })
  }

  /** Makes a change that was decided before. */
  apply(change: DayEndChange): void {
    if (change.type === 'task') this.#tasks.set(`${change.task.kind} ${change.task.id}`, change.task)
    else if (change.type === 'telling-done') this.#tellings.delete(change.key)
    else {
      const { key } = change.telling
      this.#tellings.set(keyText(key), change.telling)
      this.#serial = Math.max(this.#serial, Number(key.serialNo) - firstSerial)
    }
  }

  #tell<P extends DayEndPush>(officeCode: string, push: P, values: Omit<RequestOf<P>, keyof InstructionKey>): void {
    const key = { officeCode, entrustDate: this.#world.date(), serialNo: String(firstSerial + this.#serial + 1) }
    this.#world.change({ type: 'telling', telling: { push, key, values } as unknown as Telling })
  }
}

/** What is said, whatever the key under which it is. */
const contentOf = ({ entrustDate: _date, serialNo: _serial, ...content }: InstructionKey): string => JSON.stringify(content)
