import type { FileCodec } from '@taxlink/bank-sdk'
import { bankOf, banks } from '#adapters'
import type { FileName } from '../domain/file-name.ts'

/** The detail file of a bank, as its declaration has it; undefined where it sends none. */
export const detailOf = (bankCode: string): FileCodec<'detail'> | undefined => bankOf(bankCode)?.files?.detail

/**
 * What a name says in the form in which its bank calls its files; 'foreign': it is a name of another bank's. No other form is one: no folder, no blank and
 * no sign of another alphabet can stand in it, so that none leads out of the place where files lie.
 */
export const readFileName = (bankCode: string, name: string): FileName | 'foreign' | undefined => {
  const read = (code: string): FileName | undefined => {
    const { bankCode: said = code, accountingDate, session, chunk } = detailOf(code)?.readName(name) ?? {}
    return accountingDate === undefined || session === undefined || chunk === undefined || session === 0 || chunk === 0
      ? undefined
      : { bankCode: said, accountingDate, session, chunk }
  }
  const own = read(bankCode)
  if (own) return own.bankCode === bankCode ? own : 'foreign'
  return banks.some(({ code }) => code !== bankCode && read(code)?.bankCode === code) ? 'foreign' : undefined
}
