/** What the name of a reconciliation file says, in whichever form its bank writes it: of which bank day, which session (场次), which part. */
export type FileName = {
  readonly bankCode: string
  readonly accountingDate: string
  readonly session: number
  readonly chunk: number
}

/** A name from outside as a list or a log may show it, and as a file beside it may be called: what is no plain letter, digit or sign becomes `_`. */
export const shownFileName = (name: string): string =>
  name
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^\./, '_')
    .slice(0, 120) || '_'
