import { isDeepStrictEqual } from 'node:util'
import type { Database } from '../../../gateway/store/database.ts'
import type { Store } from '../../../gateway/store/store.ts'
import type { Record } from '../record.ts'
import { Refused } from '../rows.ts'
import { asOften, type Fate, type Unsure } from './unsure.ts'

/** The record twice: what is asked of the real one is asked of the simulated one, too. */
export type Both = { readonly db: Database; readonly store: Store; readonly record: Record; readonly unsure: Unsure }
/** What both said to the same, of which ticket, and what it was. */
export type Step = {
  readonly kinds: readonly string[]
  readonly real: unknown
  readonly model: unknown
  readonly ticketNo?: string | undefined
}

/** Nothing that could be asked. */
export const nothing: Step = { kinds: [], real: 0, model: 0 }

/** A rule that keeps what it is asked with; what it is asked again in the same words counts once. */
export const hearing = <Asked extends readonly unknown[], Answer>(rule: (...asked: Asked) => Answer) => {
  const heard: Asked[] = []
  const ask = (...asked: Asked): Answer => {
    if (!isDeepStrictEqual(heard.at(-1), asked)) heard.push(structuredClone(asked) as Asked)
    return rule(...asked)
  }
  return { heard, ask }
}

/** Asks both by the same rule: what each says, and what each has shown the rule. `fate` is that of the real COMMIT, `met` where there was one. */
export const askBoth = async <Asked extends readonly unknown[], Answer, Said>(
  { unsure }: Both,
  rule: (...asked: Asked) => Answer,
  fate: Fate | undefined,
  real: (rule: (...asked: Asked) => Answer) => Promise<Said>,
  model: (rule: (...asked: Asked) => Answer) => Said | Promise<Said>,
): Promise<{ readonly said: Said | 'refused'; readonly met: Fate | undefined; readonly real: unknown; readonly model: unknown }> => {
  const [one, other] = [hearing(rule), hearing(rule)]
  unsure.next = fate
  const said = await refusable(() => real(one.ask), isKeyed)
  // What fails by itself comes to no COMMIT.
  const met = unsure.next === undefined ? fate : undefined
  unsure.next = undefined
  const modelled = await refusable(() => asOften(met, () => model(other.ask)), isRefused)
  return { said, met, real: { said, heard: one.heard }, model: { said: modelled, heard: other.heard } }
}

const isRefused = (error: unknown): boolean => error instanceof Refused
/** Refused by a unique key: what that refuses the model refuses, too. */
const isKeyed = (error: unknown): boolean => error instanceof Error && 'errno' in error && error.errno === 1062
const refusable = async <T>(run: () => T | Promise<T>, isRefusal: (error: unknown) => boolean): Promise<T | 'refused'> => {
  try {
    return await run()
  } catch (error) {
    if (isRefusal(error)) return 'refused'
    throw error
  }
}
