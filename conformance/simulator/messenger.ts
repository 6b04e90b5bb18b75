import {
  type Bank,
  type Fault,
  keyText,
  openPush,
  type Push,
  type PushLine,
  type RequestOf,
  type Tls,
  type UnifiedCode,
} from '@taxlink/bank-sdk'
import type { Bindings, Notice } from './bindings.ts'
import type { DayEnd, Telling } from './day-end.ts'
import type { Speech } from './speech.ts'

/** Where the gateway hears the bank, what the bank shows of itself there, and the first pause (ms) after a telling without a receipt. */
export type PushTo = { readonly url: string; readonly tls?: Tls; readonly retryMs?: number }
/** What the gateway answered to something it was told. */
export type Receipt = { readonly push: Push; readonly agreementNo?: string; readonly key: string; readonly code: UnifiedCode }
type Told = Notice | Telling

const longestRetryMs = 30_000

/** Tells the gateway what stands to be told, each until there is a receipt, over the bank's own line. */
export class Messenger {
  readonly #bindings: Bindings
  readonly #dayEnd: DayEnd
  readonly #bank: Bank
  readonly #speech: Speech
  readonly #line: PushLine | undefined
  readonly #retryMs: number
  readonly #fault: (fault: Fault) => void
  readonly #underWay = new Set<string>()
  readonly #twice = new Set<string>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #closed = false
  /** All receipts so far, in their order. */
  readonly receipts: Receipt[] = []

  constructor(
    bank: Bank,
    books: { bindings: Bindings; dayEnd: DayEnd },
    speech: Speech,
    to: PushTo | undefined,
    fault: (fault: Fault) => void,
  ) {
    this.#bank = bank
    this.#bindings = books.bindings
    this.#dayEnd = books.dayEnd
    this.#speech = speech
    this.#retryMs = to?.retryMs ?? 500
    this.#fault = fault
    this.#line = to && bank.push ? openPush(bank, to.url, to.tls ? { tls: to.tls } : {}) : undefined
  }

  /** Begins to tell whatever is not being told yet; `twice` of this agreement. */
  wake(twice?: string): void {
    if (twice !== undefined) this.#twice.add(twice)
    if (!this.#line || this.#closed) return
    for (const notice of [...this.#bindings.untold(), ...this.#dayEnd.untold()]) {
      const key = keyText(notice.key)
      if (this.#underWay.has(key) || !this.#bank[notice.push]) continue
      this.#underWay.add(key)
      void this.#tell(this.#line, notice, key, this.#retryMs)
    }
  }

  async #tell(line: PushLine, notice: Told, key: string, retryMs: number): Promise<void> {
    try {
      await this.#once(line, notice, key)
      if ('agreementNo' in notice && this.#twice.delete(notice.agreementNo)) await this.#once(line, notice, key)
      this.#underWay.delete(key)
      if ('agreementNo' in notice) this.#bindings.told(key)
      else this.#dayEnd.told(key)
    } catch (error) {
      if (this.#closed) return
      this.#fault(error as Fault)
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        void this.#tell(line, notice, key, Math.min(longestRetryMs, retryMs * 2))
      }, retryMs)
      this.#timers.add(timer)
    }
  }

  async #once(line: PushLine, notice: Told, key: string): Promise<void> {
    const { push } = notice
    // Each is whole for its own push; the line only ever writes the fields of that.
    const { result } = await line.tell(push, this.#words(notice) as RequestOf<typeof push>)
    const about = 'agreementNo' in notice ? { agreementNo: notice.agreementNo } : {}
    this.receipts.push({ push, ...about, key, code: result.code })
  }

  #words(notice: Told): object {
    const { key } = notice
    if ('values' in notice) return { ...key, ...notice.values }
    const { agreementNo } = notice
    return notice.push === 'bindingNotice'
      ? { ...key, agreementNo, event: notice.event, ...(notice.reason === undefined ? {} : { reason: notice.reason }) }
      : this.#speech.notice({ ...key, agreementNo, ...notice.held }, notice.code)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
    await this.#line?.close()
  }
}
