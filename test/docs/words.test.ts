import { exchanges, outcomes } from '@taxlink/bank-sdk'
import { describe, expect, test } from 'vitest'
import { debitMachine } from '../../gateway/domain/debit.ts'
import { codeWords, page, tableRows } from './page.ts'

// docs/words.md: every name it gives exists, and no state, verb or class goes without a word.

const words = page('docs/words.md')
const rows = tableRows(words).filter(cells => cells.length === 4)
const named = rows.flatMap(cells => [...cells[2]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
const known = codeWords()

describe('the words', () => {
  test('there are some, each row has a name', () => {
    expect(rows.length).toBeGreaterThan(50)
    expect(rows.filter(cells => !/`/.test(cells[2]!)).map(([zh]) => zh)).toEqual([])
  })
  test.each([...new Set(named)])('%s is a name in the sources', name => {
    expect(known.has(name)).toBe(true)
  })
  test('a name that nobody uses is found', () => {
    expect(known.has('debitOrderManager')).toBe(false)
  })
  test.each([...Object.keys(debitMachine.table), ...Object.keys(exchanges), ...new Set(Object.values(outcomes).map(o => o.class))])(
    '%s has its word',
    name => {
      const own = Object.hasOwn(exchanges, name) ? [name, `${name}Request`] : [name]
      expect(named.some(word => own.includes(word))).toBe(true)
    },
  )
})
