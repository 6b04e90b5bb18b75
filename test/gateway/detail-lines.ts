import { bookingVerbs } from '../../gateway/domain/booking.ts'
import type { DetailColumn, DetailField, DetailHeader, DetailLines, DetailPart } from '../../gateway/domain/detail-part.ts'
import type { BankEntry } from '../../gateway/domain/reconcile.ts'
import type { DetailFile } from '../../gateway/flows/match.ts'

// Detail files as the match reads them, made from plain lines: without a layout, for what is not about layouts.

/** A line of a file, as a test says it. */
export type Line = Omit<BankEntry, 'accountDigest' | 'lineNo'> & {
  readonly account: string
  readonly accountingDate?: string
  readonly original?: { readonly entrustDate: string; readonly serialNo: string }
}

const numbers: readonly DetailField[] = ['entrustDate', 'verb', 'amount', 'status', 'accountingDate', 'originalEntrustDate', 'coreStatus']
const day = (date: string | undefined): number => (date === undefined ? -1 : Number(date.replaceAll('-', '')))

/** Lines as a batch. */
export const batchOf = (lines: readonly Line[], places: readonly number[], accountingDate: string): DetailLines => {
  const column = (): DetailColumn => ({
    values: new Float64Array(lines.length).fill(-1),
    starts: new Int32Array(lines.length),
    ends: new Int32Array(lines.length),
  })
  const fields: readonly DetailField[] = [...numbers, 'officeCode', 'serialNo', 'ticketNo', 'account', 'bankSerial', 'originalSerialNo']
  const columns = Object.fromEntries(fields.map(field => [field, column()])) as { [F in DetailField]: DetailColumn }
  const texts: string[] = []
  let length = 0
  for (const [i, line] of lines.entries()) {
    const put = (field: DetailField, text: string | undefined): void => {
      if (text === undefined) return
      texts.push(text)
      columns[field].starts[i] = length
      length += text.length
      columns[field].ends[i] = length
      columns[field].values[i] = text.length
    }
    for (const field of ['officeCode', 'serialNo', 'ticketNo', 'account', 'bankSerial'] as const) put(field, line[field])
    put('originalSerialNo', line.original?.serialNo)
    columns.entrustDate.values[i] = day(line.entrustDate)
    columns.verb.values[i] = bookingVerbs.indexOf(line.verb)
    columns.amount.values[i] = line.amount
    columns.status.values[i] = ['booked', 'failed', 'reversed'].indexOf(line.status)
    columns.accountingDate.values[i] = day(line.accountingDate ?? accountingDate)
    columns.originalEntrustDate.values[i] = day(line.original?.entrustDate)
    columns.coreStatus.values[i] = line.coreStatus === undefined ? -1 : ['same', 'missing', 'differs'].indexOf(line.coreStatus)
  }
  return { count: lines.length, lineNo: i => places[i]!, offset: () => 0, texts: Buffer.from(texts.join(''), 'latin1'), columns }
}

const isDebit = ({ verb }: Line): boolean => verb === 'debit' || verb === 'supplementaryDebit'
const sum = (lines: readonly Line[]): number => lines.reduce((total, { amount }) => total + amount, 0)

/** The parts of a file with these lines, in chunks of so many; `change` alters the headers, `isWanted` leaves out other lines. */
export const partsOf = function* (
  lines: readonly Line[],
  head: Pick<DetailHeader, 'bankCode' | 'accountingDate' | 'session'>,
  {
    perChunk = Math.max(1, lines.length),
    perBatch = 1_000,
    change = {} as Partial<DetailHeader>,
    isWanted = (_line: number): boolean => true,
  } = {},
): Generator<DetailPart> {
  const chunks = Math.max(1, Math.ceil(lines.length / perChunk))
  const debits = lines.filter(isDebit)
  const credits = lines.filter(line => !isDebit(line))
  for (let chunk = 1; chunk <= chunks; chunk++) {
    const header: DetailHeader = {
      workDate: head.accountingDate,
      chunk,
      chunks,
      fileCount: lines.length,
      fileDebitSum: sum(debits),
      fileCreditSum: sum(credits),
      ...head,
      ...change,
    }
    yield { kind: 'header', header }
    const own = lines.slice((chunk - 1) * perChunk, chunk * perChunk)
    const wanted = own.map((line, i) => ({ line, no: (chunk - 1) * perChunk + i + 1 })).filter(({ no }) => isWanted(no))
    for (let at = 0; at < wanted.length; at += perBatch) {
      const some = wanted.slice(at, at + perBatch)
      const places = some.map(({ no }) => no)
      yield {
        kind: 'lines',
        ...batchOf(
          some.map(({ line }) => line),
          places,
          head.accountingDate,
        ),
      }
    }
    yield {
      kind: 'trailer',
      trailer: { count: own.length, debitSum: sum(own.filter(isDebit)), creditSum: sum(own.filter(line => !isDebit(line))) },
    }
  }
}

/** The same as a file that can be gone over again. */
export const detailOf = (...[lines, head, how = {}]: Parameters<typeof partsOf>): DetailFile => ({
  id: 1,
  sha256: '00'.repeat(32),
  parts: async function* (isWanted) {
    yield* partsOf(lines, head, isWanted ? { ...how, isWanted } : how)
  },
})
