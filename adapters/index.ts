import type { Bank } from '@taxlink/bank-sdk'
import dongting from './dongting/index.ts'
import open from './open/index.ts'
import xiangjiang from './xiangjiang/index.ts'

/** The banks of this province, by code. A new bank is one folder and one line here. */
export const banks: readonly Bank[] = [xiangjiang, dongting, open]

/** The bank with this four-digit code; undefined for a code no bank of the province has. */
export const bankOf = (code: string): Bank | undefined => banks.find(bank => bank.code === code)
