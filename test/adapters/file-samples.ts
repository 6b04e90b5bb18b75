import type { FileCodec, HeaderOf, LineOf } from '@taxlink/bank-sdk'
import { independentBytes, pinOf } from './samples.ts'

// A sample of a file as people read it: what it says, its lines as text, and the digest of its bytes. The bytes are made of the text by the
// system's own iconv, never by the codec.

/** What a file says; the trailer follows from it. */
export type FileValue = { readonly header: HeaderOf<'detail'>; readonly lines: readonly LineOf<'detail'>[] }
/** One sample of a file. */
export type FileSample = { readonly title: string; readonly value: FileValue; readonly text: string; readonly pin: string }

/** Whether a sample is one of a file. */
export const isFileSample = (name: string): boolean => name.startsWith('detail.file.')

/** Reads a sample of a file; a new one may hold its title and value only. */
export const parseFileSample = (file: string): FileSample => {
  const section = (name: string): string =>
    (file.split(`\n== ${name}`)[1] ?? '')
      .split('\n\n== ')[0]!
      .replace(/^[^\n]*\n/, '')
      .trimEnd()
  return {
    title: file.split('\n')[0]!.replace(/^# /, ''),
    value: JSON.parse(section('value')) as FileValue,
    text: section('file'),
    pin: /^== bytes (.*)$/m.exec(file)?.[1] ?? '',
  }
}

/** Writes a sample of a file. */
export const formatFileSample = ({ title, value, text, pin }: FileSample): string =>
  [
    `# ${title}`,
    '# 每行末的 ⏎ 是约定的行尾。 / ⏎ is the line end that is agreed.',
    '',
    '== value',
    JSON.stringify(value, undefined, 2),
    '',
    '== file',
    text,
    '',
    `== bytes ${pin}`,
    '',
  ].join('\n')

/** The bytes of the text of a sample. */
export const bytesOfText = (file: FileCodec<'detail'>, text: string): Buffer =>
  independentBytes(file.line.charset, text.replaceAll(/⏎(?:\n|$)/g, file.lineEnd === 'crlf' ? '\r\n' : '\n'))

/** The sample with its text and digest made anew from its value. */
export const completeFile = async (sample: FileSample, file: FileCodec<'detail'>): Promise<FileSample> => {
  const pieces: Buffer[] = []
  for await (const piece of file.write(sample.value.header, sample.value.lines)) pieces.push(piece)
  const bytes = Buffer.concat(pieces)
  const text = new TextDecoder(file.line.charset)
    .decode(bytes)
    .replaceAll(file.lineEnd === 'crlf' ? '\r\n' : '\n', '⏎\n')
    .trimEnd()
  return { ...sample, text, pin: pinOf(bytesOfText(file, text)) }
}
