import { checkSum, type Message, schemaOf, type ValuesOf, version } from './catalogue.ts'
import type { Codec, Explained, LayoutRow } from './cell.ts'
import { charset } from './charset.ts'
import { Fault, fail } from './fault.ts'
import { canonical } from './json-scan.ts'
import { type Fields, type Kind, maskText, type Schema } from './kinds.ts'
import { decodingScanner } from './scan.ts'
import { jsonLimits, parseJson, parseJsonText, shownName, utf8Text } from './strict-json.ts'
import { checkValue, checkValues, meaningOf } from './value.ts'

type Values = { readonly [name: string]: unknown }

/**
 * The open interface itself: a message as one JSON object in UTF-8, `{version, type, …fields in the order of the catalogue}`, as its schema
 * says (`schemaOf`), and besides: the class of a result follows from its code, the amounts of tax items sum to the total. Read strictly:
 * see `parseJson`; nothing unknown, nothing coerced. Faults name the JSON pointer (`items/0/amount`) and the byte offset.
 */
export const json = <M extends Message>(message: M): Codec<ValuesOf<M>> => {
  const type = typeOf(message)
  return {
    message,
    charset: 'utf-8',
    layout: 'json',
    encode(value) {
      try {
        checkAll(message, value as Values)
      } catch (error) {
        throw error instanceof Fault ? pointed(error, message) : error
      }
      return Buffer.from(JSON.stringify({ version, type: message.id, ...ordered(message.fields, value as Values) }))
    },
    decode(bytes) {
      let parsed: unknown
      try {
        parsed = parseJson(bytes)
        return valuesOf(message, parsed) as ValuesOf<M>
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        const fault = pointed(error, message)
        throw parsed === undefined ? fault : located(fault, message, bytes)
      }
    },
    // A message of another version is recognised, and refused by decode, which can say so.
    matches: bytes => type.test(Buffer.from(bytes.subarray(0, jsonLimits.bytes)).toString('latin1')),
    explain: bytes => explained(message, bytes),
    describe: () => [...heading(message), ...described(message.fields, '', 0)],
    scanner(rows) {
      const head = JSON.stringify({ version, type: message.id }).slice(0, -1)
      return decodingScanner(message, charset('utf-8'), bytes => this.decode(bytes) as Values, rows, canonical(message, head))
    },
  }
}

/** The type in an object; quotes within strings are escaped, so that nothing but a name and its value can look like this. */
const typeOf = ({ id }: Message): RegExp =>
  new RegExp(`^[ \\t\\r\\n]*\\{[^]*"type"[ \\t\\r\\n]*:[ \\t\\r\\n]*"${id.replaceAll('.', '\\.')}"`)

const sums = ({ fields }: Message): boolean => fields.amount !== undefined && fields.items?.fields?.amount !== undefined

const checkAll = (message: Message, value: Values): void => {
  checkValues(message.fields, value)
  if (sums(message) && value.items !== undefined)
    checkSum(value.amount as number, value.items as readonly { readonly amount: number }[], message.id)
}

const valuesOf = (message: Message, parsed: unknown): Values => {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return fail('bad-value', 'an object expected', { offset: 0 })
  const { version: found, type, ...value } = parsed as Values
  checkConstant('version', found, version)
  checkConstant('type', type, message.id)
  checkAll(message, value)
  return ordered(message.fields, value)
}

const checkConstant = (field: string, found: unknown, constant: string): void => {
  if (found === undefined) fail('missing', '', { field })
  if (found !== constant) fail('wrong-constant', `${field} must be "${constant}"`, { field })
}

/** The values in the order of the catalogue, absent ones left out. */
const ordered = (fields: Fields, value: Values): Values => {
  const result: { [name: string]: unknown } = {}
  for (const name in fields) if (value[name] !== undefined) result[name] = orderedOne(fields[name]!, value[name])
  return result
}
const orderedOne = (kind: Kind<unknown>, value: unknown): unknown => {
  if (kind.fields) return (value as readonly Values[]).map(one => ordered(kind.fields!, one))
  if (typeof value !== 'object') return value
  const { class: of, code, bankCode, bankText } = value as Values
  return bankText === undefined ? { class: of, code, bankCode } : { class: of, code, bankCode, bankText }
}

/** The fault with a JSON pointer for a field: kinds say `items.0.amount`. */
const pointed = (fault: Fault, { id }: Message): Fault => {
  const { field } = fault.at
  return new Fault(fault.fault, fault.detail, {
    ...fault.at,
    ...(field === undefined ? {} : { field: field.replaceAll('.', '/') }),
    message: id,
  })
}

/** The fault with its byte offset: only for a fault is it looked for. An unexpected property is named, too. */
const located = (fault: Fault, message: Message, bytes: Uint8Array): Fault => {
  const text = charset('utf-8').decode(bytes)
  const starts = new Map<string, number>()
  const parsed = parseJsonText(text, jsonLimits, (pointer, start) => starts.set(pointer, start))
  const field = fault.fault === 'unexpected' ? strangerIn(message, parsed, fault.at.field ?? '') : fault.at.field
  // what is missing has no place of its own: its object has
  let known = field ?? ''
  while (known !== '' && !starts.has(known)) known = known.slice(0, Math.max(0, known.lastIndexOf('/')))
  const offset = Buffer.byteLength(text.slice(0, starts.get(known) ?? 0))
  return new Fault(fault.fault, fault.detail, { ...fault.at, ...(field === undefined ? {} : { field }), offset })
}

/** The pointer of the first property, of the object at `pointer`, that the schema does not have. */
const strangerIn = (message: Message, parsed: unknown, pointer: string): string => {
  let schema: Schema = schemaOf(message)
  let value = parsed as Values
  const steps = pointer === '' ? [] : pointer.split('/')
  for (const step of steps) {
    schema = (Array.isArray(value) ? schema.items : (schema.properties as Schema)[step]) as Schema
    value = value[step] as Values
  }
  const stranger = Object.keys(value).find(name => !Object.hasOwn(schema.properties as Schema, name)) ?? ''
  return [...steps, shownName(stranger)].join('/')
}

// ── Explaining ───────────────────────────────────────────────────────────────────────────────────────────────────────

const header: Fields = {
  version: { zh: '接口版本', en: 'version of the interface', schema: {} },
  type: { zh: '报文种类', en: 'kind of message', schema: {} },
}
const outcomeFields: Fields = {
  class: { zh: '类别', en: 'class', schema: {} },
  code: { zh: '统一结果码', en: 'unified code', schema: {} },
  bankCode: { zh: '银行结果码', en: 'the bank’s code', schema: {} },
  bankText: { zh: '银行附言', en: 'the bank’s text', schema: {}, optional: true },
}
const isOutcome = (kind: Kind<unknown>): boolean => meaningOf(kind).is === 'outcome'

/** The kind of the value at a pointer; undefined for what is not in the message. */
const kindAt = (message: Message, pointer: string): Kind<unknown> | undefined => {
  const [name = '', ...rest] = pointer.split('/')
  if (rest.length === 0 && Object.hasOwn(header, name)) return header[name]
  const kind = Object.hasOwn(message.fields, name) ? message.fields[name]! : undefined
  if (!kind || rest.length === 0) return kind
  const [inner, last] = kind.fields ? [kind.fields, rest[1]] : [isOutcome(kind) ? outcomeFields : {}, rest[0]]
  return last !== undefined && rest.length === (kind.fields ? 2 : 1) && Object.hasOwn(inner, last) ? inner[last] : undefined
}

const explained = (message: Message, bytes: Uint8Array): Explained[] => {
  const rows: Explained[] = []
  const faults: Fault[] = []
  const text = readable(bytes, faults)
  const visit = (pointer: string, start: number, end: number): void => {
    if (text[start] !== '{' && text[start] !== '[') rows.push(rowOf(message, pointer, start, end, text))
  }
  try {
    const parsed = parseJsonText(text, jsonLimits, visit)
    if (faults.length === 0) faults.push(...faultsOf(message, parsed, bytes))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    // behind unreadable bytes nothing was read: that the text ends too soon is no news
    if (faults.length === 0) faults.push(pointed(error, message))
  }
  const placed = rows.map(row => {
    const at = faults.findIndex(fault => fault.at.field === row.field)
    return at < 0 ? row : { ...row, fault: said(faults.splice(at, 1)[0]!) }
  })
  return [...placed, ...faults.map(fault => faultRow(fault, bytes.length))]
}

/** The text as far as it can be read; why no further goes into `faults`. */
const readable = (bytes: Uint8Array, faults: Fault[]): string => {
  const end = Math.min(bytes.length, jsonLimits.bytes)
  try {
    if (end < bytes.length) faults.push(new Fault('over-limit', `${bytes.length} bytes, at most ${end}`, { offset: end }))
    return utf8Text(bytes.subarray(0, end))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    faults.push(error)
    return charset('utf-8').decode(bytes, 0, error.at.offset)
  }
}

const rowOf = (message: Message, pointer: string, start: number, end: number, text: string): Explained => {
  const kind = kindAt(message, pointer)
  const raw = text.slice(start, end)
  const shown = raw.startsWith('"') ? (JSON.parse(raw) as string) : raw
  const hidden = !kind || kind.mask
  return {
    offset: Buffer.byteLength(text.slice(0, start)),
    width: Buffer.byteLength(raw),
    field: pointer,
    zh: kind?.zh ?? '未约定的内容',
    en: kind?.en ?? 'not in the message',
    text: kind?.mask ? maskText(kind.mask, shown) : kind ? shown : '',
    hex: hidden ? '' : Buffer.from(raw).toString('hex'),
  }
}

/** All that is wrong with a readable message: at most one fault a field. */
const faultsOf = (message: Message, parsed: unknown, bytes: Uint8Array): Fault[] => {
  const value = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Values
  const checks = [
    () => checkConstant('version', value.version, version),
    () => checkConstant('type', value.type, message.id),
    ...Object.entries(message.fields).map(
      ([name, kind]) =>
        () =>
          checkValue(kind, value[name], { field: name }),
    ),
  ]
  const faults = checks.flatMap(check => faultIn(check))
  // the whole finds what no single field does: a wrong sum, a property too many
  const all = faults.length > 0 ? faults : faultIn(() => valuesOf(message, parsed))
  return all.map(fault => located(pointed(fault, message), message, bytes))
}

const faultIn = (check: () => unknown): Fault[] => {
  try {
    check()
    return []
  } catch (error) {
    if (error instanceof Fault) return [error]
    throw error
  }
}

const said = ({ fault, detail }: Fault): string => new Fault(fault, detail).message

const faultRow = (fault: Fault, length: number): Explained => ({
  offset: fault.at.offset ?? length,
  width: 0,
  field: fault.at.field ?? '',
  zh: '报文错误',
  en: 'fault of the message',
  text: '',
  hex: '',
  fault: said(fault),
})

const heading = (message: Message): LayoutRow[] => [
  { place: 'version', field: version, zh: '接口版本', en: 'version of the interface', form: 'constant', required: true, depth: 0 },
  { place: 'type', field: message.id, zh: '报文种类', en: 'kind of message', form: 'constant', required: true, depth: 0 },
]

const described = (fields: Fields, prefix: string, depth: number): LayoutRow[] =>
  Object.entries(fields).flatMap(([name, kind]): LayoutRow[] => {
    const { zh, en, optional } = kind
    const place = prefix + name
    const row = { place, field: name, zh, en, form: formOf(kind), required: optional !== true, depth }
    if (kind.fields) return [row, ...described(kind.fields, `${place}/*/`, depth + 1)]
    return Object.keys(kind.schema).length > 0 && isOutcome(kind) ? [row, ...described(outcomeFields, `${place}/`, depth + 1)] : [row]
  })

const formOf = ({ schema }: Kind<unknown>): string => {
  if (Object.keys(schema).length === 0) return 'string'
  if (schema.type === 'array') return `array 1–${Number(schema.maxItems)}`
  return schema.format === 'date' ? 'date' : String(schema.type)
}
