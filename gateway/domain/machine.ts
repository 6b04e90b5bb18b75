type Table<S extends string> = { readonly [From in S]: { readonly [event: string]: S } }

/** A state table as data: every move that is allowed, and nothing else. It is also what the reference pages draw. */
export type Machine<S extends string, E extends string> = {
  readonly name: string
  readonly table: { readonly [From in S]: { readonly [On in E]?: S } }
  /** The next state, or undefined where the event changes nothing: the caller decides whether that is a repeat or a contradiction. */
  next(from: S, on: E): S | undefined
  /** States nothing leads out of. */
  isFinal(state: S): boolean
}

type EventOf<T> = { [S in keyof T]: keyof T[S] }[keyof T] & string

/** Makes a state table; a move to a state that does not exist does not compile. */
export const machine = <const T extends Table<keyof T & string>>(name: string, table: T): Machine<keyof T & string, EventOf<T>> => {
  type S = keyof T & string
  const moves = table as { readonly [From in S]: { readonly [event: string]: S } }
  return {
    name,
    table: table as unknown as Machine<S, EventOf<T>>['table'],
    next: (from, on) => moves[from][on],
    isFinal: state => Object.keys(moves[state]).length === 0,
  }
}
