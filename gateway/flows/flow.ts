import type { Call } from '../call.ts'
import type { InstructionVerb } from '../domain/answers.ts'
import type { DebitState } from '../domain/debit.ts'
import type { PrintKey } from '../domain/fingerprint.ts'
import type { Reference } from '../domain/reference.ts'
import type { Store } from '../store/store.ts'

/** Something worth a line in the log and a count in the metrics; it never holds private data. */
export type Note = {
  readonly event:
    | 'accepted'
    | 'repeated'
    | 'answered'
    | 'stale'
    | 'late'
    | 'stray'
    | 'heard'
    | 'relayed'
    | 'swept'
    | 'delivered'
    | 'delivery-failed'
    | 'breaker-opened'
    | 'breaker-closed'
    | 'link-test'
    | 'proposed'
    | 'decided'
    | 'registered'
    | 'file-received'
    | 'file-complete'
    | 'file-missing'
    | 'reconciled'
    | 'file-refused'
    | 'written-off'
    | 'deadline'
    | 'trouble'
  readonly bankCode?: string
  readonly ticketNo?: string
  readonly verb?: string
  readonly state?: DebitState
  readonly code?: string
  readonly fault?: string
  /** The name of a reconciliation file, or the day of one that is not there. */
  readonly file?: string
  readonly count?: number
  /** Milliseconds the bank took. */
  readonly ms?: number
  readonly detail?: string
}

/** All that reaches the flows from outside: time, randomness, the record, the banks. Nothing else does, so that a simulation can own them all. */
export type Flow = {
  readonly clock: () => Date
  /** In [0, 1). */
  readonly random: () => number
  /** Resolves after `ms`, or as soon as `until` is aborted. */
  readonly pause: (ms: number, until?: AbortSignal) => Promise<void>
  readonly store: Store
  readonly call: Call
  /**
   * Whether the clock of this process agrees with the record's. While it does not, nothing is begun at banks: when something left, and when a bank's
   * window is over, is judged by the clocks of all processes.
   */
  readonly isTimely: () => boolean
  /** Until when sends to a bank are held back, because its breaker is open; undefined: they go. */
  readonly heldUntil: (bankCode: string) => Date | undefined
  /** The latest accounting date the bank has named to this process. */
  readonly accountingDate: (bankCode: string) => string | undefined
  readonly reference: () => Reference
  /** This process, unique among all that ever ran: the owner of its leases. */
  readonly owner: string
  /** How long a claim lasts beyond the bank's time-out. */
  readonly leaseMs: number
  /** The key of the fingerprints of bookings; the same in every process. */
  readonly printKey: () => PrintKey
  readonly note: (note: Note) => void
  /**
   * Told after the commits of this process that settled an instruction or left it in doubt, as far as a request may wait for it; `key` is what it waits
   * under. What settles beside those, by two persons say or with another instruction, a request finds when it looks again.
   */
  readonly settled: (key: string, state: DebitState) => void
}

/** How long the queue leaves an instruction alone that waits for a place in the accepting process. */
export const graceMs = 3_000

/** How long a request waits for a place at its bank: back-pressure while places come free; a stuck bank has none. */
export const patienceMs = 1_000

/** What requests wait under: a debit's ticket number; any other instruction's own id. */
export const waitKey = ({
  verb,
  ticketNo,
  id,
}: {
  readonly verb: InstructionVerb
  readonly ticketNo: string
  readonly id: number
}): string => (verb === 'debit' ? ticketNo : `${verb}/${id}`)

/** Where the instructions stand that requests wait for, by their keys. */
export const standings = async (
  store: Pick<Store, 'findMany' | 'findInstructions'>,
  keys: readonly string[],
): Promise<{ readonly key: string; readonly state: DebitState }[]> => {
  const ids = keys.flatMap(key => (key.includes('/') ? [Number(key.split('/')[1])] : []))
  const found = [...(await store.findMany(keys.filter(key => !key.includes('/')))), ...(await store.findInstructions(ids))]
  return found.map(v => ({ key: waitKey({ ...v, id: v.instructionId }), state: v.state }))
}
