import { Refusal } from './problem.ts'

// Opaque, so that what orders a list may change without anybody's program.

/** The cursor behind the record with this id. */
export const cursorOf = (id: number): string => Buffer.from(`i${id}`).toString('base64url')

/** The id that a cursor stands behind; 0 where there is none. Throws the refusal of a text that is no cursor of ours. */
export const afterOf = (cursor: string | undefined): number => {
  if (cursor === undefined) return 0
  const found = /^i([0-9]{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (found) return Number(found[1])
  throw new Refusal(400, 'invalid-request', {
    errors: [{ pointer: '/cursor', zh: '不是本接口给出的游标', en: 'not a cursor of this interface' }],
  })
}

/** Where the next page begins, where there is one: `found` was read with one more than a page holds. */
export const nextOf = <T>(found: readonly T[], limit: number, idOf: (row: T) => number): { next?: string } => {
  const last = found[limit - 1]
  return found.length > limit && last ? { next: cursorOf(idOf(last)) } : {}
}
