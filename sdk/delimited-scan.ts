import { absent, type Column, columnsOf, type LineScanner } from './columns.ts'
import type { Cutter, Group, Slot } from './delimited-slots.ts'
import { fail } from './fault.ts'
import type { Fields } from './kinds.ts'
import type { Scan } from './scan.ts'

/** A separated line as its scanner needs it; `sums`: the amounts of the group must sum to the line's. */
type Layout = {
  readonly slots: readonly Slot[]
  readonly group: Group | undefined
  readonly sums: boolean
  readonly cut: Cutter
  readonly separator: number
  readonly trailing: boolean
}
type Plan = {
  readonly required: boolean
  readonly scan: Scan | undefined
  readonly column: Column | undefined
  readonly constant: Uint8Array | undefined
}

/** The scanner of separated lines: cut and checked in one pass. */
export const delimitedScanner = (fields: Fields, layout: Layout, rows: number): LineScanner => {
  const { slots, group, cut, separator, trailing } = layout
  const columns = columnsOf(fields, rows)
  const plans = slots.map(slot => planOf(slot, columns[slot.field]))
  const left = Object.entries(columns).flatMap(([name, column]) => (slots.some(({ field }) => field === name) ? [] : [column]))
  const checkGroup = group && groupChecker(group, layout, columns.amount)
  return {
    columns,
    scan(bytes, words, start, lineEnd, i) {
      // With a trailing separator the fields end before it.
      const end = trailing ? (bytes[lineEnd - 1] === separator && lineEnd > start ? lineEnd - 1 : unended()) : lineEnd
      let at = start
      for (const plan of plans) at = take(plan, cut, bytes, words, at, end, i)
      for (const column of left) absent(column, i)
      if (checkGroup) at = checkGroup(bytes, words, at, end, i)
      if (at <= end) fail('unexpected', 'the line has more fields than its layout')
    },
  }
}

const unended = (): never => fail('malformed', 'the line ends with its separator')
const planOf = ({ required, scan, constant }: Slot, column: Column | undefined): Plan => ({
  required,
  scan,
  column,
  constant: constant === undefined ? undefined : Buffer.from(constant, 'latin1'),
})

/** Checks the field at `at` and returns where the next begins. */
const take = (
  { required, scan, column, constant }: Plan,
  cut: Cutter,
  bytes: Buffer,
  words: DataView,
  at: number,
  end: number,
  i: number,
): number => {
  if (at > end) fail('missing', 'the line ends before this field')
  const found = cut(bytes, at, end)
  const stop = found < 0 ? end : found
  if (constant) {
    if (!standsAt(bytes, at, stop, constant)) fail('wrong-constant', '')
  } else if (at < stop) scan!(bytes, words, at, stop, column!, i)
  else if (required) fail('missing', 'the place of the field is blank')
  else absent(column!, i)
  return stop + 1
}

const standsAt = (bytes: Uint8Array, start: number, end: number, constant: Uint8Array): boolean => {
  if (end - start !== constant.length) return false
  for (let i = 0; i < constant.length; i++) if (bytes[start + i] !== constant[i]) return false
  return true
}

/** Checks the nested group: its count, its elements, and that they sum to the amount of the line; none of it is kept. */
const groupChecker = ({ max, optional, slots }: Group, { cut, sums }: Layout, amount: Column | undefined) => {
  const scratch = (): Column => ({ values: new Float64Array(1), starts: new Int32Array(1), ends: new Int32Array(1) })
  const plans = slots.map(slot => planOf(slot, scratch()))
  const own = plans[slots.findIndex(({ field }) => field === 'amount')]?.column
  return (bytes: Buffer, words: DataView, start: number, end: number, i: number): number => {
    if (start > end) fail('missing', 'the line ends before the count')
    const found = cut(bytes, start, end)
    const stop = found < 0 ? end : found
    const count = countOf(bytes, start, stop)
    if (count > max || (count === 0 && !optional)) fail('over-limit', `${count} elements, 1 to ${max} are agreed`)
    let at = stop + 1
    let sum = 0
    for (let k = 0; k < count; k++) {
      for (const plan of plans) at = take(plan, cut, bytes, words, at, end, 0)
      if (own) sum += own.values[0]!
    }
    // At most 20 amounts of 15 digits: beyond 2^53 a sum that is not exact is no amount of a line either.
    if (sums && count > 0 && sum !== amount!.values[i]) fail('sum-mismatch', 'the elements do not sum to the amount of the line')
    return at
  }
}

const countOf = (bytes: Uint8Array, start: number, end: number): number => {
  let count = 0
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 0x30
    if (!(digit >= 0 && digit <= 9) || (i === start && digit === 0 && end > start + 1))
      fail('not-a-number', 'the count in plain digits expected')
    count = count * 10 + digit
  }
  return end > start && end - start <= 4 ? count : fail('not-a-number', 'the count in plain digits expected')
}
