import { spawnSync } from 'node:child_process'
import { type CharsetName, charset, unwritable } from '../../../sdk/charset.ts'

/** Codes of one width, one after the other. */
export type Codes = { readonly width: number; readonly bytes: Uint8Array }
/** What a table makes of each code: its code point, or -1 where it has no one character for it. */
export type Reading = Int32Array

/** What a table writes for each code point: its bytes as a number (at most four), 0 for none. */
export type Writing = Float64Array

const codesOf = (width: number, ...axes: readonly (readonly [number, number])[]): Codes => {
  const sizes = axes.map(([from, to]) => to - from + 1)
  const total = sizes.reduce((product, size) => product * size, 1)
  const bytes = new Uint8Array(total * width)
  for (let n = 0; n < total; n++) {
    let rest = n
    for (let k = width - 1; k >= 0; k--) {
      bytes[n * width + k] = axes[k]![0] + (rest % sizes[k]!)
      rest = Math.floor(rest / sizes[k]!)
    }
  }
  return { width, bytes }
}

export const oneByte = codesOf(1, [0, 0xff])
export const twoBytes = codesOf(2, [0x80, 0xff], [0, 0xff])
/** All 23,940 codes of the form of GBK. */
export const wellFormed: Codes = {
  width: 2,
  bytes: Buffer.concat([codesOf(2, [0x81, 0xfe], [0x40, 0x7e]).bytes, codesOf(2, [0x81, 0xfe], [0x80, 0xfe]).bytes]),
}
/** All 1,587,600 codes of the form of GB 18030. */
export const fourBytes = codesOf(4, [0x81, 0xfe], [0x30, 0x39], [0x81, 0xfe], [0x30, 0x39])

/** The codes of UTF-8 with every first byte and the edges of every following one, well-formed or not. */
export const utf8Codes: readonly Codes[] = [
  twoBytes,
  codesOf(3, [0xdf, 0xf0], [0x7f, 0xc0], [0x7f, 0xc0]),
  codesOf(4, [0xef, 0xf8], [0x7f, 0xc0], [0x7f, 0x80], [0x7f, 0x80]),
  codesOf(4, [0xef, 0xf8], [0x7f, 0xc0], [0xbf, 0xc0], [0xbe, 0xc0]),
]

/** Every Unicode scalar value but the controls of ASCII, which serve as separators. */
export const scalars: readonly number[] = Array.from({ length: 0x110000 }, (_, i) => i).filter(c => c >= 0x20 && (c < 0xd800 || c > 0xdfff))

const countOf = (codes: Codes) => codes.bytes.length / codes.width

/** Code `n` as a number, for tables and messages. */
export const codeAt = (codes: Codes, n: number): number =>
  codes.bytes.subarray(n * codes.width, (n + 1) * codes.width).reduce((sum, byte) => sum * 256 + byte, 0)

const single = (text: string): number => {
  const codePoint = text.codePointAt(0) ?? -1
  return codePoint !== 0xfffd && text.length === (codePoint > 0xffff ? 2 : 1) ? codePoint : -1
}

const attempt = (decode: () => string): number => {
  try {
    return single(decode())
  } catch {
    return -1
  }
}

/** Faults come by the hundred thousand here, so they go without their stack. */
export const stackless = <T>(act: () => T): T => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return act()
  } finally {
    Error.stackTraceLimit = limit
  }
}

/** Ours, code by code. */
export const readOurs = (name: CharsetName, codes: Codes): Reading => {
  const cs = charset(name)
  const { width, bytes } = codes
  return stackless(() => Int32Array.from({ length: countOf(codes) }, (_, n) => attempt(() => cs.decode(bytes, n * width, (n + 1) * width))))
}

/** ICU, code by code: for codes that could swallow a separator. */
export const readIcu = (name: string, codes: Codes): Reading => {
  const icu = new TextDecoder(name, { fatal: true, ignoreBOM: true })
  const { width, bytes } = codes
  const one = (n: number) => attempt(() => icu.decode(bytes.subarray(n * width, (n + 1) * width)))
  return stackless(() => Int32Array.from({ length: countOf(codes) }, (_, n) => one(n)))
}

const lined = ({ width, bytes }: Codes): Uint8Array => {
  const lines = new Uint8Array((bytes.length / width) * (width + 1)).fill(0x0a)
  for (let n = 0; n * width < bytes.length; n++) for (let k = 0; k < width; k++) lines[n * (width + 1) + k] = bytes[n * width + k]!
  return lines
}

const readLines = (text: string, count: number): Reading => {
  const lines = text.split('\n')
  if (lines.length !== count + 1) throw new Error(`${lines.length - 1} lines for ${count} codes`)
  return Int32Array.from(lines.slice(0, -1), single)
}

/** ICU, all codes in one text: for codes whose bytes are none of them a separator. */
export const readIcuAtOnce = (name: string, codes: Codes): Reading =>
  readLines(new TextDecoder(name, { ignoreBOM: true }).decode(lined(codes)), countOf(codes))

/** Whether this machine has glibc's iconv program with that charset. */
export const hasGlibc = (name: string): boolean => {
  const version = spawnSync('iconv', ['--version'], { encoding: 'utf8' })
  return /GLIBC|GNU libc/i.test(version.stdout ?? '') && spawnSync('iconv', ['-f', name, '-t', 'UTF-8'], { input: 'a' }).status === 0
}

const glibc = (from: string, to: string, input: Uint8Array): Buffer => {
  const { stdout, error } = spawnSync('iconv', ['-c', '-f', from, '-t', to], { input, maxBuffer: 1 << 28 })
  if (error) throw error
  return stdout
}

/** glibc, all codes in one text. Of a code it does not know it may leave an ASCII byte behind, which is not its reading. */
export const readGlibc = (name: string, codes: Codes): Reading =>
  readLines(glibc(name, 'UTF-16LE', lined(codes)).toString('utf16le'), countOf(codes)).map(c => (c < 0x80 ? -1 : c))

const writingOf = (lines: Uint8Array, count: number): Writing => {
  const writing = new Float64Array(count)
  let line = 0
  for (const byte of lines) {
    if (byte === 0x0a) line++
    else writing[line] = writing[line]! * 256 + byte
  }
  if (line !== count) throw new Error(`${line} lines for ${count} characters`)
  return writing
}

export const writeGlibc = (name: string): Writing => {
  const lines = new Uint32Array(scalars.length * 2).fill(0x0a)
  for (let i = 0; i < scalars.length; i++) lines[i * 2] = scalars[i]!
  return writingOf(glibc('UTF-32LE', name, Buffer.from(lines.buffer)), scalars.length)
}

/** All of them in one text. */
export const allScalars: string = scalars.map(c => String.fromCodePoint(c)).join('')

const refusals = new Map<CharsetName, ReadonlySet<number>>()
/** The scalar values a charset says it cannot write. */
export const refused = (name: CharsetName): ReadonlySet<number> => {
  const known = refusals.get(name) ?? new Set(unwritable(allScalars, name).map(({ codePoint }) => codePoint))
  refusals.set(name, known)
  return known
}

/** Ours: every character but those refused, in one text. */
export const writeOurs = (name: CharsetName): Writing => {
  const none = refused(name)
  const text = scalars.map(c => (none.has(c) ? '\n' : `${String.fromCodePoint(c)}\n`)).join('')
  return writingOf(charset(name).encode(text), scalars.length)
}

/** The bytes of those codes that have a reading. */
export const readable = ({ width, bytes }: Codes, reading: Reading): Uint8Array => {
  const kept = new Uint8Array(bytes.length)
  let length = 0
  for (let n = 0; n < reading.length; n++) {
    if (reading[n]! < 0) continue
    for (let k = 0; k < width; k++) kept[length++] = bytes[n * width + k]!
  }
  return kept.subarray(0, length)
}
