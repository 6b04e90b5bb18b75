import type { FileCodec } from '@taxlink/bank-sdk'
import type { DetailField, DetailLines, DetailPart } from '../domain/detail-part.ts'

type Columns = DetailLines['columns']
const fields: readonly DetailField[] = [
  'officeCode',
  'entrustDate',
  'serialNo',
  'verb',
  'ticketNo',
  'account',
  'amount',
  'status',
  'bankSerial',
  'accountingDate',
  'originalEntrustDate',
  'originalSerialNo',
  'coreStatus',
]

/**
 * Reads the parts of a bank's file, one stream of bytes a chunk, in constant memory and as strictly as a message: a Fault where one is not what the
 * bank's declaration says. The number of a line counts through all chunks. Lines are valid until the next part is asked for. A file that was read before
 * is gone over again for its wanted lines alone: headers and such lines come, nothing else.
 */
export const detailParts = async function* (
  codec: FileCodec<'detail'>,
  chunks: readonly (() => AsyncIterable<Uint8Array>)[],
  isWanted?: (line: number) => boolean,
): AsyncGenerator<DetailPart> {
  let before = 0
  for (const open of chunks) {
    const source = open()[Symbol.asyncIterator]()
    try {
      const reading = await codec.read({ [Symbol.asyncIterator]: () => source })
      yield* partsOf(reading, before, isWanted)
      before += reading.lines()
    } finally {
      // Whoever stops after the header has begun with no line: nothing else would let go of the file.
      await source.return?.()
    }
  }
}

/** The parts of one chunk, behind so many lines of others. */
const partsOf = async function* (
  reading: Awaited<ReturnType<FileCodec<'detail'>['read']>>,
  before: number,
  isWanted: ((line: number) => boolean) | undefined,
): AsyncGenerator<DetailPart> {
  yield { kind: 'header', header: reading.header }
  let columns: Columns | undefined
  const batches = isWanted ? reading.some(line => isWanted(before + line)) : reading.batches()
  for await (const batch of batches) {
    // One set of columns is filled again and again.
    columns ??= columnsFor(batch.columns)
    yield {
      kind: 'lines',
      count: batch.count,
      lineNo: i => before + batch.lineNo(i),
      offset: i => batch.offset(i),
      texts: batch.texts,
      columns,
    }
  }
  if (!isWanted) yield { kind: 'trailer', trailer: reading.trailer() }
}

const columnsFor = (all: { readonly [field: string]: Columns[DetailField] }): Columns =>
  Object.fromEntries(fields.map(field => [field, all[field]!])) as Columns
