import type { HeaderOf, LineOf } from '@taxlink/bank-sdk'
import type { FileName } from '../../gateway/domain/file-name.ts'
import { detailOf } from '../../gateway/flows/detail-file.ts'

// Detail files as suites about them need them: good ones in the layout of their bank, and whatever is wrong with them.

export type Header = HeaderOf<'detail'>
export type Line = LineOf<'detail'>

/** The day of all these files. */
export const accountingDate = '2026-11-10'
let serials = 0
/** An entry that nobody wrote before. */
export const detailLine = (change: Partial<Line> = {}): Line => {
  serials++
  return {
    officeCode: '14301020000',
    entrustDate: accountingDate,
    serialNo: `9${String(serials).padStart(7, '0')}`,
    verb: 'debit',
    ticketNo: `3430126110${String(serials).padStart(8, '0')}`,
    account: '430101560100012345',
    amount: 12_345,
    status: 'booked',
    bankSerial: `B${String(serials).padStart(12, '0')}`,
    accountingDate,
    ...change,
  }
}
export const detailLines = (count: number): Line[] => Array.from({ length: count }, () => detailLine())

/** The header of a file of these lines; `whole`: all lines, where the file is one of several. */
export const headerOf = (name: FileName, lines: readonly Line[], chunks = 1): Header => {
  const sum = (verbs: readonly string[]) =>
    lines.filter(({ verb }) => verbs.includes(verb)).reduce((total, { amount }) => total + amount, 0)
  return {
    ...name,
    workDate: name.accountingDate,
    chunks,
    fileCount: lines.length,
    fileDebitSum: sum(['debit', 'supplementaryDebit']),
    fileCreditSum: sum(['reversal', 'adjustment']),
  }
}

const sessions = new Map<string, number>()
/** The name of a file of a session that no other has. */
export const freshName = (bankCode: string, change: Partial<FileName> = {}): FileName => {
  const session = (sessions.get(bankCode) ?? 0) + 1
  sessions.set(bankCode, session)
  return { bankCode, accountingDate, session, chunk: 1, ...change }
}
/** How its bank calls it. */
export const fileNameOf = (name: FileName): string => detailOf(name.bankCode)!.nameOf(headerOf(name, []))

/** All that comes. */
export const gathered = async (parts: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part)
  return Buffer.concat(all)
}
/** The bytes of a file in the layout of its bank, with the trailer that follows from its lines. */
export const bytesOf = (header: Header, lines: readonly Line[], bankCode = header.bankCode): Promise<Buffer> =>
  gathered(detailOf(bankCode)!.write(header, lines))
/** A good file. */
export const goodFile = async (bankCode: string, lines: readonly Line[] = detailLines(2), change: Partial<FileName> = {}) => {
  const of = freshName(bankCode, change)
  return { of, name: fileNameOf(of), bytes: await bytesOf(headerOf(of, lines), lines) }
}
