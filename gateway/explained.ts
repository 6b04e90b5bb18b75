import { type Explanation, Fault } from '@taxlink/bank-sdk'
import { table } from './day/table.ts'

/** The table of `explain` as aligned lines: field, offset, width, meaning, value, bytes; what is wrong with a field stands below it. */
export const explainText = (found: Explanation): string[] => {
  const rows = found.rows.map(row => ({ row, hex: hexLines(row.hex) }))
  const [head, ...lines] = table(
    [
      ['字段 field', '位置 at', '字节 bytes', '含义 meaning', '内容 value', '十六进制 hex'],
      ...rows.flatMap(({ row, hex }) => [
        [row.field, String(row.offset), String(row.width), row.zh, row.text, hex[0] ?? ''],
        ...hex.slice(1).map(more => ['', '', '', '', '', more]),
      ]),
    ],
    [1, 2],
  )
  const text = [`${found.zh} ${found.message}`, head!]
  let at = 0
  for (const { row, hex } of rows) {
    text.push(...lines.slice(at, at + Math.max(1, hex.length)))
    at += Math.max(1, hex.length)
    if (row.fault) text.push(`  ✗ ${row.fault}`)
  }
  return text
}

/** Sixteen bytes a line. What is hidden is one mark, and the blanks that fill a field up are counted. */
const hexLines = (hex: string): string[] => {
  if (hex.startsWith('·')) return ['··']
  const [, said = '', blanks = ''] = /^((?:..)*?)((?:20)*)$/.exec(hex) ?? []
  if (blanks.length <= 8) return said + blanks === '' ? [] : ((said + blanks).match(/.{1,32}/g) ?? [])
  const lines = said.match(/.{1,32}/g) ?? []
  const filling = `20×${blanks.length / 2}`
  const last = lines.at(-1)
  return last === undefined || last.length > 24 ? [...lines, filling] : [...lines.slice(0, -1), `${last} ${filling}`]
}

/** The bytes of hexadecimal text, blanks and line breaks between them aside; Fault malformed with the place of what is none. */
export const bytesOfHex = (text: string): Buffer => {
  const digits = text.replace(/\s+/g, '')
  const wrong = /[^0-9a-f]/i.exec(digits)
  if (wrong) throw new Fault('malformed', `digit ${wrong.index + 1} of the hexadecimal text is none`)
  if (digits.length % 2 > 0) throw new Fault('malformed', `${digits.length} hexadecimal digits: half a byte is missing`)
  return Buffer.from(digits, 'hex')
}
