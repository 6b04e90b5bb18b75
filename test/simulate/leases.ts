import { broken } from './broken.ts'
import type { City } from './city.ts'
import type { InstructionRow } from './rows.ts'
import { isFinal } from './writes.ts'

/** What was last seen of an instruction: its attempts, and the one whose lease stood. */
type Before = { readonly attempts: number; readonly held: number | undefined }
const nothing: Before = { attempts: 0, held: undefined }

/** What a lease promises: while an attempt is under way nobody begins another, and nothing but its own answer ends it early. */
export class Leases {
  readonly #city: City
  readonly #before = new Map<number, Before>()

  constructor(city: City) {
    this.#city = city
  }

  /** Looks at one instruction that was touched. */
  check(row: InstructionRow): void {
    const { tables } = this.#city.record
    const attempts = tables.attempt.get(row.id) ?? []
    const before = this.#before.get(row.id) ?? nothing
    const isAnswered = (attemptNo: number) => tables.answer.get(row.id)?.some(answer => answer.attempt_no === attemptNo) === true
    for (let n = Math.max(1, before.attempts); n < attempts.length; n++) {
      const [last, next] = [attempts[n - 1]!, attempts[n]!]
      if (next.started_at < last.started_at + this.#leaseMs(row) && !isAnswered(last.attempt_no))
        broken('lease', `${row.ticket_no}: attempt ${next.attempt_no} begins while ${last.owner} has ${last.attempt_no} under way`)
    }
    const { held } = before
    if (held !== undefined && held === row.attempt_no && row.lease_owner === null && !isAnswered(held) && !this.#isUndone(row))
      broken('lease', `${row.ticket_no}: the lease of attempt ${held} has ended, and not by its own answer`)
    this.#before.set(row.id, { attempts: attempts.length, held: row.lease_owner === null ? undefined : row.attempt_no })
  }

  /** Nobody knows where clocks are wrong. */
  #leaseMs(row: InstructionRow): number {
    const { plan, reference } = this.#city
    return plan.skewMs > 0 ? 0 : reference.banks.get(row.bank_code)!.policy.timeoutMs + plan.leaseMs
  }

  /** Ended by what a reversal of the gateway's own has proved, or by two persons. */
  #isUndone(row: InstructionRow): boolean {
    if (this.#city.record.tables.resolved.has(row.id)) return true
    const siblings = this.#city.record.tables.ofTicket.get(row.ticket_no) ?? []
    return isFinal(row.state) && siblings.some(r => r.original_id === row.id && r.reason === 'in-doubt' && isFinal(r.state))
  }
}
