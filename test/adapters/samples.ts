import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import type { AnyCodec } from '../../docs/banks/subjects.ts'

// A sample is one message of a bank as people read it: its value, its text piece by piece, its bytes. The bytes are made of the text by
// the system's own iconv, never by the codec, so that they are a second opinion about every byte.

/** One sample file. `readOnly` samples are messages the bank may send although we would write them otherwise. */
export type Sample = {
  readonly title: string
  readonly readOnly: boolean
  readonly value: unknown
  /** The message section as it stands in the file; empty in a new sample. */
  readonly message: string
  readonly hex: string
  /** `321 sha256 …` */
  readonly pin: string
}

/** The sample files of a folder, sorted. */
export const samplesIn = (folder: URL): string[] =>
  readdirSync(folder)
    .filter(name => name.endsWith('.sample'))
    .sort()

/** Reads a sample file; a new one may hold its title and value only. */
export const parseSample = (file: string): Sample => {
  const parts = file.split(/^== /m)
  const section = (name: string): readonly [string, string] => {
    const part = parts.find(p => p.startsWith(name))
    const end = part?.indexOf('\n') ?? -1
    return part === undefined ? ['', ''] : [part.slice(name.length, end).trim(), part.slice(end + 1).replace(/\n\n?$/, '')]
  }
  const [flags, value] = section('value')
  return {
    title: parts[0]!.split('\n')[0]!.replace(/^# /, ''),
    readOnly: flags === '(read only)',
    value: JSON.parse(value),
    message: section('message')[1],
    hex: section('bytes')[1].replace(/^[0-9]+ {2}|\s/gm, ''),
    pin: section('bytes')[0],
  }
}

/** Writes a sample file. */
export const formatSample = (s: Sample): string =>
  [
    `# ${s.title}`,
    '# 报文按行拼接,行间无换行符;⏎ 为换行。 / The lines of the message are joined without line breaks; ⏎ is one.',
    '',
    `== value${s.readOnly ? ' (read only)' : ''}`,
    JSON.stringify(s.value, undefined, 2),
    '',
    '== message',
    s.message,
    '',
    `== bytes ${s.pin}`,
    ...Array.from(
      { length: Math.ceil(s.hex.length / 64) },
      (_, i) => `${String(i * 32).padStart(4, '0')}  ${s.hex.slice(i * 64, i * 64 + 64)}`,
    ),
    '',
  ].join('\n')

/** The text of a message section: the pieces between bars of a record, the joined lines of any other. */
export const textOf = (layout: AnyCodec['layout'], message: string): string =>
  message
    .split('\n')
    .slice(layout === 'record' ? 1 : 0)
    .map(line => (layout === 'record' ? (/^[^|]*\|(.*)\|$/.exec(line)?.[1] ?? '') : line.replace(/⏎$/, '\n')))
    .join('')

/** The bytes of a text by the system's iconv, which knows nothing of our codec. */
export const independentBytes = (charset: string, text: string): Buffer =>
  charset === 'utf-8' ? Buffer.from(text) : execFileSync('iconv', ['-f', 'UTF-8', '-t', charset.toUpperCase()], { input: text })

/** `321 sha256 …`: the length and digest of the bytes. */
export const pinOf = (bytes: Uint8Array): string => `${bytes.length} sha256 ${createHash('sha256').update(bytes).digest('hex')}`

const screenWidth = (text: string): number => Array.from(text).reduce((sum, c) => sum + (c.codePointAt(0)! > 0x2e7f ? 2 : 1), 0)

/** The message section for bytes that a codec wrote. */
export const showMessage = (codec: AnyCodec, bytes: Uint8Array): string => {
  const text = (from: number, width: number) => new TextDecoder(codec.charset).decode(bytes.subarray(from, from + width))
  if (codec.layout !== 'record')
    return text(0, bytes.length).replaceAll(codec.layout === 'json' ? /,(?=["{])|\[(?=\{)/g : />(?=<)/g, '$&\n')
  const rows = codec.explain(bytes)
  const lines = rows.map(row => {
    const name = row.zh + ' '.repeat(Math.max(1, 16 - screenWidth(row.zh)))
    return `${String(row.offset).padStart(6)}  ${String(row.width).padStart(5)}  ${row.field.padEnd(22)}${name}|${text(row.offset, row.width)}|`
  })
  return ['offset  width  field', ...lines].join('\n')
}

/** The sample with its message and bytes made anew from its value; a read-only one keeps its message. */
export const complete = (sample: Sample, codec: AnyCodec): Sample => {
  const message = sample.readOnly ? sample.message : showMessage(codec, codec.encode(sample.value as never))
  const bytes = independentBytes(codec.charset, textOf(codec.layout, message))
  return { ...sample, message, hex: bytes.toString('hex'), pin: pinOf(bytes) }
}
