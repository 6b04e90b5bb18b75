/** A mistake as data: where it stands, and what it would do. Each `find` stands exactly once in its file. */
export type Bug = {
  readonly name: string
  /** What is wrong with it, in one line. */
  readonly does: string
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[]
}

/** A bug of one place. */
export const bug = (name: string, does: string, file: string, find: string, replace: string): Bug => ({
  name,
  does,
  edits: [{ file, find, replace }],
})
