/** What somebody did, as the audit journal tells of it; `detail` is JSON without private values. */
export type AuditEntry = {
  readonly at: Date
  /** The URI of whoever did it. */
  readonly actor: string
  readonly action: string
  readonly subject: string
  /** Whose office it is about; undefined: the province. */
  readonly officeCode: string | undefined
  readonly detail: string
}
/** The last place of a chain: its number and its hash, hexadecimal. */
export type Head = { readonly seq: number; readonly hash: string }
/** An entry in its place: each holds the hash of the one before, so that nothing can be changed, taken out or put in without a trace. */
export type AuditRow = AuditEntry & Head & { readonly prevHash: string }

/** SHA-256 of a text, hexadecimal. */
export type Digest = (text: string) => string

/** The head of a chain that has no entry yet. */
export const genesis: Head = { seq: 0, hash: '0'.repeat(64) }

/** What the hash of a row is taken over: every value it has, in one way of writing. */
const canonical = ({ seq, at, actor, action, subject, officeCode, detail, prevHash }: Omit<AuditRow, 'hash'>): string =>
  JSON.stringify([seq, at.getTime(), actor, action, subject, officeCode ?? null, detail, prevHash])

/** The entry as the next row behind this head. */
export const linked = (head: Head, entry: AuditEntry, digest: Digest): AuditRow => {
  const row = { ...entry, seq: head.seq + 1, prevHash: head.hash }
  return { ...row, hash: digest(canonical(row)) }
}

/**
 * Where a chain is broken. `missing`: rows are gone (or stand twice); `edited`: a row is not what was written; `cut-off`: the end is gone;
 * `rewritten`: from somewhere in this range on the chain was made anew, so that it fits itself but not the head that was kept; `beyond`: there are
 * rows that the counter never gave out.
 */
export type Broken = {
  readonly what: 'missing' | 'edited' | 'cut-off' | 'rewritten' | 'beyond'
  readonly from: number
  readonly to: number
  /** Up to here a head that was kept vouches that nothing was changed. */
  readonly vouched: number
}

/** Looks along a chain, row by row, against heads that were kept elsewhere; the counter's own is the last word on where it ends. */
export type Check = {
  /** The next row, in the order of the numbers; what is broken, if it is. */
  next(row: AuditRow): Broken | undefined
  /** Said when there are no more. */
  end(): Broken | undefined
}

/** Begins at the beginning. `kept` are heads exported earlier; `counter` is where the record itself says that the chain ends. */
export const openCheck = (kept: readonly Head[], counter: Head, digest: Digest): Check => {
  const heads = [...kept, counter].sort((a, b) => a.seq - b.seq)
  let last: Head = genesis
  /** Up to here the chain is what it was when a head was kept. */
  let vouched = 0
  const broken = (what: Broken['what'], from: number, to = from): Broken => ({ what, from, to, vouched })
  const against = (row: Head): Broken | undefined => {
    for (const head of heads.filter(({ seq }) => seq === row.seq)) {
      if (head.hash !== row.hash) return broken('rewritten', vouched + 1, row.seq)
      vouched = row.seq
    }
    return undefined
  }
  return {
    next: row => {
      const expected = last.seq + 1
      if (row.seq > expected && expected <= counter.seq) return broken('missing', expected, Math.min(row.seq - 1, counter.seq))
      if (row.seq !== expected || row.seq > counter.seq) return broken('beyond', row.seq)
      if (row.prevHash !== last.hash || row.hash !== digest(canonical(row))) return broken('edited', row.seq)
      last = row
      return against(row)
    },
    end: () => {
      const furthest = Math.max(...heads.map(head => head.seq))
      return furthest > last.seq ? broken('cut-off', last.seq + 1, furthest) : against(last)
    },
  }
}
