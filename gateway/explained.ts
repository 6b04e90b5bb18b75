import type { explain } from '@taxlink/bank-sdk'
import { table } from './day/table.ts'

/** The table of `explain` as aligned lines: offset, width, field, meaning, value, bytes. */
export const explainText = (found: NonNullable<ReturnType<typeof explain>>): string[] => [
  `${found.zh} ${found.message}`,
  ...table([
    ['字段 field', '位置 at', '字节 bytes', '含义 meaning', '内容 value', '十六进制 hex'],
    ...found.rows.map(row => [row.field, String(row.offset), String(row.width), row.zh, row.fault ? `✗ ${row.fault}` : row.text, row.hex]),
  ]),
]
