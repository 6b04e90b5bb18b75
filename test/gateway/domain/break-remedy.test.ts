import { expect, test } from 'vitest'
import { type BreakRemedy, type RemedyCase, remedies, remedyOf, remedyTable } from '../../../gateway/domain/break-remedy.ts'
import { differenceTypes } from '../../../gateway/domain/reconcile.ts'

// Article 35 told a second time, from its text, paragraph by paragraph; every cell of the table is held against it.

/** 第三十五条, as a clerk reads it. Shares nothing with the table but the words for the remedies. */
const oracle = (c: RemedyCase): BreakRemedy => {
  // Before the article begins: what is no 单边账 at all, or is not known to be one.
  const isNone = ['cut-off', 'in-bank'].includes(c.type) || ['under-our-notice', 'ticket-is-right'].includes(c.evidence)
  if (isNone) return 'explained'
  if (c.type === 'particulars-differ' || c.record === 'open') return 'investigate'
  const taxHasSuccess = c.record === 'succeeded'
  const bankTooMuch = c.surplus > 0
  const bankTooLittle = c.surplus < 0
  // (一) 重复或多划缴. 日终前: 冲正将多划缴的自动退回; 日终后: 《调账通知单》.
  if (bankTooMuch) {
    // What was given back at the turn of the day may stand under the next.
    const isReturnUndated = c.entry === 'gives-back' && c.type === 'reversed-one-side' && !c.remains && c.datedByUs
    if (isReturnUndated) return 'investigate'
    const isItsOwnTax = !taxHasSuccess && c.entry === 'debits' && c.evidence === 'none'
    if (isItsOwnTax) return 'persons'
    const canGoBackByItself =
      !c.dayOver && taxHasSuccess && c.entry === 'debits' && (c.reversal === 'any' || (c.reversal === 'whole-only' && c.whole))
    return canGoBackByItself ? 'reverse' : 'notice'
  }
  // (二) 少划缴: 补充划缴. (三) 税务成功而银行未成功: 补划.
  // A remedy that is missing itself: the article sends no second one.
  if (bankTooLittle && c.isRemedy) return 'investigate'
  if (bankTooLittle && taxHasSuccess && !c.remains && c.type === 'tax-only' && c.datedByUs) return 'investigate'
  if (bankTooLittle && taxHasSuccess) return c.remains ? 'supplement' : 'supplement-missing'
  return 'investigate'
}

const both = [false, true]
const cases: RemedyCase[] = differenceTypes.flatMap(type =>
  [-40, 0, 40].flatMap(surplus =>
    both.flatMap(remains =>
      (['debits', 'gives-back'] as const).flatMap(entry =>
        (['succeeded', 'refused', 'open', 'none'] as const).flatMap(record =>
          both.flatMap(dayOver =>
            (['any', 'whole-only', 'none'] as const).flatMap(reversal =>
              both.flatMap(whole =>
                both.flatMap(datedByUs =>
                  both.flatMap(isRemedy =>
                    (['none', 'paid-otherwise', 'under-our-notice', 'ticket-is-right'] as const).map(
                      (evidence): RemedyCase => ({
                        type,
                        surplus,
                        remains,
                        entry,
                        record,
                        dayOver,
                        reversal,
                        whole,
                        isRemedy,
                        datedByUs,
                        evidence,
                      }),
                    ),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  ),
)

test('every cell of the table is as the article has it', () => {
  expect(cases).toHaveLength(82_944)
  const wrong = cases.filter(c => remedyOf(c).remedy !== oracle(c)).map(c => `${JSON.stringify(c)}: ${remedyOf(c).rule}, not ${oracle(c)}`)
  expect(wrong.slice(0, 5)).toEqual([])
})
test('every row decides some case, says why, and names its article; every remedy is some row’s', () => {
  for (const row of remedyTable) {
    expect(
      cases.some(c => remedyOf(c) === row),
      row.rule,
    ).toBe(true)
    expect(row.zh).toMatch(/\p{Script=Han}/u)
    expect(row.article).toMatch(/^35/)
  }
  expect(remedyTable.at(-1)!.holds(cases[0]!)).toBe(true)
  expect(new Set(remedyTable.map(({ remedy }) => remedy))).toEqual(new Set(remedies))
})
test('the oracle sees when two rows change places, and when one is gone', () => {
  const decide = (table: typeof remedyTable, c: RemedyCase) => table.find(({ holds }) => holds(c))?.remedy
  const differs = (table: typeof remedyTable) => cases.some(c => decide(table, c) !== oracle(c))
  expect(differs(remedyTable)).toBe(false)
  // Rows that say the same in another order are the same; all others are not.
  for (const [i, row] of remedyTable.entries()) {
    const without = remedyTable.filter(other => other !== row)
    if (cases.some(c => remedyOf(c) === row && decide(without, c) !== row.remedy))
      expect(differs(without), `without ${row.rule}`).toBe(true)
    else
      expect(
        remedyTable.slice(i + 1).some(other => other.remedy === row.remedy),
        row.rule,
      ).toBe(true)
  }
})
