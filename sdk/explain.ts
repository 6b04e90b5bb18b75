import { type Bank, recognise } from './bank.ts'
import { files } from './catalogue.ts'
import type { Explained } from './cell.ts'
import { Fault } from './fault.ts'
import type { Line, TcpLine } from './line-terms.ts'

/** A message of a bank for people: which one it is, and its fields with the places of their bytes. */
export type Explanation = { readonly message: string; readonly zh: string; readonly rows: readonly Explained[] }

/**
 * Any bytes of a known bank as a table of fields, private ones masked: a message alone, or as it stands on the wire, behind its length header
 * or its HTTP head; or a file, its first lines and its last. Undefined where they are none of the bank's messages. Never throws.
 */
export const explain = (of: Bank, bytes: Uint8Array): Explanation | undefined => {
  const alone = explainMessage(of, bytes) ?? explainFileOf(of, bytes)
  if (alone) return alone
  const head = headOf(of.line, bytes)
  const body = head && explainMessage(of, bytes.subarray(head.width, head.width + (head.announced ?? bytes.length)))
  if (!head || !body) return undefined
  const { width, announced, row } = head
  const rows = [row, ...body.rows.map(one => ({ ...one, offset: one.offset + width }))]
  const rest = bytes.length - width - (announced ?? bytes.length - width)
  return { ...body, rows: rest === 0 ? rows : [...rows, restRow(width, bytes.length, rest)] }
}

const explainMessage = (of: Bank, bytes: Uint8Array): Explanation | undefined => {
  const found = recognise(of, bytes)
  return found && { message: found.codec.message.id, zh: found.codec.message.zh, rows: found.codec.explain(bytes) }
}

/** A file of the bank, by its first line. */
const explainFileOf = (of: Bank, bytes: Uint8Array): Explanation | undefined => {
  const found = Object.values(of.files ?? {}).find(file => file.matches(bytes))
  return found && { message: found.name, zh: files[found.name].zh, rows: found.explain(bytes) }
}

/** What stands before a message on the wire; `announced` is the length of the message, where the head tells it. */
type Head = { readonly width: number; readonly announced?: number; readonly row: Explained }

const headOf = (line: Line, bytes: Uint8Array): Head | undefined => (line.kind === 'tcp' ? lengthHeader(line, bytes) : httpHead(bytes))

const lengthHeader = ({ leader, digits, countsItself }: TcpLine, bytes: Uint8Array): Head | undefined => {
  const width = leader.length + digits
  const head = Buffer.from(bytes.subarray(0, width))
  const text = head.subarray(leader.length).toString('latin1')
  if (head.length < width || !leader.every((byte, i) => byte === head[i]) || !/^ *[0-9]+ *$/.test(text)) return undefined
  const announced = Math.max(0, Number(text) - (countsItself ? digits : 0))
  const row = { offset: 0, width, field: '', zh: '长度头', en: 'length header', text: text.trim(), hex: head.toString('hex') }
  return { width, announced, row }
}

/** The head of an HTTP message: not shown, as it may hold anything. */
const httpHead = (bytes: Uint8Array): Head | undefined => {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const width = end + 4
  return { width, row: { offset: 0, width, field: '', zh: 'HTTP 头', en: 'HTTP head', text: '', hex: '' } }
}

const restRow = (width: number, length: number, rest: number): Explained => {
  const announced = length - width - rest
  return {
    offset: Math.min(length, width + announced),
    width: Math.abs(rest),
    field: '',
    zh: rest < 0 ? '缺少的字节' : '后续的字节',
    en: rest < 0 ? 'missing bytes' : 'further bytes',
    text: '',
    hex: '',
    ...(rest < 0 ? { fault: new Fault('bad-frame', `the header announces ${announced} bytes, ${length - width} are there`).message } : {}),
  }
}
