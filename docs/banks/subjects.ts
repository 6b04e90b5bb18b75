import { readdirSync } from 'node:fs'
import { type AnyVerb, type Bank, type Cell, type Codec, everyVerb, exchanges, Fault, type Outcome, unified } from '@taxlink/bank-sdk'

/** A bank of adapters/: its folder, its declaration, its result codes (those of the unified interface where it has no codes.ts). */
export type Subject = { readonly folder: string; readonly bank: Bank; readonly codes: Cell<Outcome>; readonly samples: URL }
/** A layout, whatever its message. */
export type AnyCodec = Codec<never, unknown>
/** The values of a message, whatever they are. */
export type Values = { readonly [name: string]: unknown }

const adapters = new URL('../../adapters/', import.meta.url)

const subjectOf = async (folder: string): Promise<Subject> => {
  const at = new URL(`${folder}/`, adapters)
  const { default: bank } = (await import(new URL('index.ts', at).href)) as { readonly default: Bank }
  const own = readdirSync(at).includes('codes.ts')
  const { resultCodes } = own
    ? ((await import(new URL('codes.ts', at).href)) as { readonly resultCodes: Cell<Outcome> })
    : { resultCodes: unified }
  return { folder, bank, codes: resultCodes, samples: new URL('samples/', at) }
}

/** Every folder of adapters/, so that a new bank has its page, its samples and its tests without a second list. */
export const subjects: readonly Subject[] = await Promise.all(
  readdirSync(adapters, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()
    .map(subjectOf),
)

/** The messages of a bank by id: `debit.request` → its verb, its side and its codec. */
export const messagesOf = (
  bank: Bank,
): ReadonlyMap<string, { readonly verb: AnyVerb; readonly side: 'request' | 'reply'; readonly codec: AnyCodec }> =>
  new Map(
    everyVerb.flatMap(verb =>
      bank[verb]
        ? (['request', 'reply'] as const).map(side => [exchanges[verb][side].id, { verb, side, codec: bank[verb]![side] }] as const)
        : [],
    ),
  )

/** The bytes of a value; undefined where the layout refuses it. */
export const written = (codec: AnyCodec, value: Values): Uint8Array | undefined => {
  try {
    return codec.encode(value as never)
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

/** How many elements of a list the bank takes, found by asking its layout; `value` is any value that it takes. */
export const mostOf = (codec: AnyCodec, value: Values, field: string): number => {
  const [first = {}] = value[field] as readonly Values[]
  const element = 'amount' in first ? { ...first, amount: 1 } : first
  let count = 0
  const total = 'amount' in value ? (count: number) => ({ amount: count }) : () => ({})
  while (written(codec, { ...value, [field]: Array.from({ length: count + 1 }, () => element), ...total(count + 1) })) count++
  return count
}
