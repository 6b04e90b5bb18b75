import type { Explained, LayoutRow } from './cell.ts'
import { type Source, sourceOf } from './compile.ts'
import { Fault } from './fault.ts'
import { maskText } from './kinds.ts'
import { type Outcome, outcomes } from './outcomes.ts'
import { getPart, type Part, type Section } from './section.ts'

// A fixed-width record as a table for people: its layout, and any bytes that should be one.

/** The rows of a record as plain data; those of a repeated group follow its count, with the offsets of its first element. */
export const describe = (head: Section, element: Section | undefined): LayoutRow[] => {
  const row = (part: Part, base: number, depth: number): LayoutRow => ({
    place: String(base + part.offset),
    width: part.width,
    field: part.field,
    zh: part.zh,
    en: part.en,
    form: part.constant ? `constant ${Buffer.from(part.constant).toString('latin1')}` : part.form,
    required: part.required,
    depth,
  })
  return [...head.parts.map(part => row(part, 0, 0)), ...(element?.parts ?? []).map(part => row(part, head.width, 1))]
}

/**
 * Any bytes as a table of a record's fields. Never throws. Private fields are masked. Where the length is wrong or a private field is
 * broken, the bytes may be shifted and stand under a neighbour's name: then all from the first private field on is hidden.
 */
export const explain = (head: Section, element: Section | undefined, bytes: Buffer): Explained[] => {
  const source = sourceOf(bytes)
  const { count, expected } = lengthOf(head, element, source)
  const view = new View(source, bytes.length !== expected)
  for (const part of head.parts) view.add(part, 0, '')
  for (let i = 0; element && i < count; i++) {
    for (const part of element.parts) view.add(part, head.width + i * element.width, `${head.repeat!.repeat}.${i}.`)
  }
  if (bytes.length !== expected) view.rows.push(lengthRow(bytes.length, expected))
  return view.rows
}

/** How many elements to show, and the length the record should have. */
const lengthOf = (head: Section, element: Section | undefined, source: Source): { count: number; expected: number } => {
  if (!element || !head.repeat) return { count: 0, expected: head.width }
  const behind = Math.max(0, source.bytes.length - head.width) / element.width
  const shown = Math.min(Math.ceil(behind), head.repeat.max)
  try {
    if (source.bytes.length < head.width) throw new Fault('wrong-length', '')
    const count = getPart(head.parts.at(-1)!, source, 0) as number
    return { count: Math.min(count, shown), expected: head.width + count * element.width }
  } catch {
    return { count: shown, expected: head.width + Math.round(behind) * element.width }
  }
}

const lengthRow = (length: number, expected: number): Explained => ({
  offset: Math.min(length, expected),
  width: Math.abs(length - expected),
  field: '',
  zh: length < expected ? '缺少的字节' : '多余的字节',
  en: length < expected ? 'missing bytes' : 'superfluous bytes',
  text: '',
  hex: '',
  fault: new Fault('wrong-length', `${length} bytes, the layout has ${expected}`).message,
})

class View {
  readonly rows: Explained[] = []
  readonly #source: Source
  #shifted: boolean
  #private = false

  constructor(source: Source, shifted: boolean) {
    this.#source = source
    this.#shifted = shifted
  }

  add(part: Part, at: number, prefix: string): void {
    const offset = at + part.offset
    const bytes = this.#source.bytes.subarray(offset, offset + part.width)
    if (bytes.length === 0) return
    const { text, fault } = this.#read(part, at, bytes.length)
    if (part.mask && fault) this.#shifted = true
    if (part.mask) this.#private = true
    const hidden = this.#private && this.#shifted && !part.constant
    const shown = hidden ? '*'.repeat(Math.min(text.length, 8)) : part.mask ? maskText(part.mask, text) : text
    this.rows.push({
      offset,
      width: bytes.length,
      field: part.field === '' ? '' : prefix + part.field,
      zh: part.zh,
      en: part.en,
      text: shown,
      hex: hidden || part.mask ? '··'.repeat(bytes.length) : bytes.toString('hex'),
      ...(fault ? { fault } : {}),
    })
  }

  #read(part: Part, at: number, there: number): { text: string; fault?: string } {
    try {
      if (there < part.width) throw new Fault('wrong-length', `${there} of ${part.width} bytes are there`)
      const value = getPart(part, this.#source, at)
      return { text: part.constant ? Buffer.from(part.constant).toString('latin1') : textOf(value) }
    } catch (error) {
      // Without its detail, which for a charset shows the bytes.
      const fault = error instanceof Fault && error.fault !== 'invalid-bytes' ? error.message : new Fault('invalid-bytes', '').message
      return { text: '', fault }
    }
  }
}

const textOf = (value: unknown): string => {
  if (typeof value === 'object' && value !== null) {
    const { bankCode, code } = value as Outcome
    return `${bankCode} → ${code} ${outcomes[code].zh}`
  }
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
