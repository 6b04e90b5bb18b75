import { type Bank, Fault, type FileCodec, type HeaderOf, type LineOf, type TrailerOf } from '@taxlink/bank-sdk'
import dongting from '../../adapters/dongting/index.ts'
import open from '../../adapters/open/index.ts'
import xiangjiang from '../../adapters/xiangjiang/index.ts'

/** A detail file of each kind: fixed width, separated lines, JSON lines. */
export const detailFiles: readonly (readonly [string, FileCodec<'detail'>])[] = [xiangjiang, dongting, open].map(
  (bank: Bank) => [bank.name, bank.files!.detail!] as const,
)

export type Detail = LineOf<'detail'>
/** One line like the others; every seventh is a reversal. */
export const lineAt = (i: number): Detail => ({
  officeCode: '14301020000',
  entrustDate: '2026-11-10',
  serialNo: String(i + 1).padStart(8, '0'),
  verb: i % 7 === 6 ? 'reversal' : i % 7 === 5 ? 'supplementaryDebit' : 'debit',
  ticketNo: `343012611${String(i + 1).padStart(9, '0')}`,
  account: `6222021001${String((i * 7919) % 1e9).padStart(9, '0')}`,
  taxpayerName: ['长沙市芙蓉区湘绣商行', '欧阳娜娜', '李珅億', '倈億贸易ABC'][i % 4]!,
  amount: ((i * 104_729) % 1e9) + 1,
  status: 'booked',
  bankSerial: `20261110${String(i + 1).padStart(8, '0')}`,
  accountingDate: '2026-11-10',
  ...(i % 7 >= 5 ? { originalEntrustDate: '2026-11-10', originalSerialNo: String(i).padStart(8, '0') } : {}),
})
export const linesOf = (count: number): Detail[] => Array.from({ length: count }, (_, i) => lineAt(i))

const sumOf = (lines: readonly Detail[], ...verbs: readonly Detail['verb'][]): number =>
  lines.reduce((sum, { verb, amount }) => (verbs.includes(verb) ? sum + amount : sum), 0)
/** The header of these lines, all of them in one part unless told otherwise. */
export const headerOf = (lines: readonly Detail[], more: Partial<HeaderOf<'detail'>> = {}): HeaderOf<'detail'> => ({
  bankCode: '4301',
  workDate: '2026-11-11',
  accountingDate: '2026-11-10',
  session: 1,
  chunk: 1,
  chunks: 1,
  fileCount: lines.length,
  fileDebitSum: sumOf(lines, 'debit', 'supplementaryDebit'),
  fileCreditSum: sumOf(lines, 'reversal', 'adjustment'),
  ...more,
})

/** The bytes of a file. */
export const written = async (file: FileCodec<'detail'>, lines: readonly Detail[], header = headerOf(lines)): Promise<Buffer> => {
  const pieces: Buffer[] = []
  for await (const piece of file.write(header, lines)) pieces.push(piece)
  return Buffer.concat(pieces)
}
/** The bytes in pieces of `size`. */
export const inPieces = function* (bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export type Read = {
  readonly header: HeaderOf<'detail'>
  readonly lines: Partial<Detail>[]
  readonly trailer: TrailerOf<'detail'>
  readonly places: (readonly [line: number, offset: number])[]
}
/** All that a file says. */
export const readAll = async (file: FileCodec<'detail'>, bytes: Uint8Array, size = 65_536, rows = 50): Promise<Read> => {
  const reading = await file.read(inPieces(bytes, size), { rows, maxLine: 4_096 })
  const lines: Partial<Detail>[] = []
  const places: (readonly [number, number])[] = []
  for await (const batch of reading.batches())
    for (let i = 0; i < batch.count; i++) {
      lines.push(batch.line(i))
      places.push([batch.lineNo(i), batch.offset(i)])
    }
  return { header: reading.header, lines, trailer: reading.trailer(), places }
}
/** Why a file is refused: fault, line, field, byte; or that it is not. */
export const refusal = async (file: FileCodec<'detail'>, bytes: Uint8Array, size?: number): Promise<string> => {
  try {
    const { lines } = await readAll(file, bytes, size)
    return `read ${lines.length}`
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const { message, line, field = '-', offset } = error.at
    return `${error.fault} ${message?.slice('detail.'.length)} line ${line} ${field} @${offset}`
  }
}
