import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Line } from './line.ts'

/** The agreements of the sample day, as its data file holds them: lines of an import. */
export const sampleAgreements = (): string => readFileSync(`${import.meta.dirname}/agreements.jsonl`, 'utf8')

type Import = { readonly state: string; readonly rows: number; readonly faults: readonly unknown[] }
type Page = { readonly reviews: readonly { readonly agreementNo: string }[]; readonly next?: string }

const importNo = 'sample-day'
const atOnce = 500

/**
 * Before the first debit: the agreements of the day are brought in as the promotion period does it (bound by the banks on paper), and an operator accepts
 * those that match exactly. Played again it changes nothing. Returns how many there are.
 */
export const bindAll = async (taxSide: Line, operator: Line, until: number): Promise<number> => {
  const path = `/v1/agreement-imports/${importNo}`
  const { body } = await taxSide.order(path, sampleAgreements())
  let standing = body as Import
  for (; standing.state === 'writing' && Date.now() < until; await pause(100)) standing = await taxSide.read<Import>(path)
  if (standing.state !== 'done') throw new Error(`the agreements of the day: ${standing.state} ${JSON.stringify(standing.faults)}`)
  for (;;) {
    const { reviews } = await operator.read<Page>('/v1/binding-reviews?likeness=exact&limit=200')
    const agreementNos = reviews.map(({ agreementNo }) => agreementNo).slice(0, atOnce)
    if (agreementNos.length === 0) return standing.rows
    await operator.order('/v1/binding-reviews/acceptances', { agreementNos })
  }
}
