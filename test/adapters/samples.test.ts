import { readFileSync, writeFileSync } from 'node:fs'
import { recognise } from '@taxlink/bank-sdk'
import { describe, expect, test } from 'vitest'
import { bankOf, banks } from '../../adapters/index.ts'
import { messagesOf, subjects } from '../../docs/banks/subjects.ts'
import { isFileSample } from './file-samples.ts'
import { complete, formatSample, independentBytes, parseSample, pinOf, samplesIn, textOf } from './samples.ts'

// The samples are the contract with each bank, byte by byte. A new sample is a file with a title and a value;
// UPDATE_SAMPLES=1 vitest run test/adapters/samples.test.ts writes its message and bytes, for people to compare with the bank's page.

test('every folder is a bank of the province, and has a code of its own', () => {
  expect(subjects.map(({ bank }) => bank.code).sort()).toEqual([...new Set(banks.map(bank => bank.code))].sort())
  expect(banks.every(bank => bankOf(bank.code) === bank)).toBe(true)
})

describe.each(subjects)('$folder', ({ bank, samples }) => {
  const messages = messagesOf(bank)
  const files = samplesIn(samples).filter(name => !isFileSample(name))
  const idOf = (name: string) => name.split('.').slice(0, 2).join('.')

  test('every message of the bank has a sample, every sample a message', () => {
    expect([...new Set(files.map(idOf))].sort()).toEqual([...messages.keys()].sort())
  })

  test.each(files)('%s', name => {
    const { verb, side, codec } = messages.get(idOf(name))!
    const at = new URL(name, samples)
    if (process.env.UPDATE_SAMPLES) writeFileSync(at, formatSample(complete(parseSample(readFileSync(at, 'utf8')), codec)))
    const file = readFileSync(at, 'utf8')
    const sample = parseSample(file)
    const bytes = Buffer.from(sample.hex, 'hex')

    expect(pinOf(bytes)).toBe(sample.pin)
    expect(independentBytes(codec.charset, textOf(codec.layout, sample.message)).toString('hex')).toBe(sample.hex)
    expect(recognise(bank, bytes, undefined, bank[verb]?.path)).toMatchObject({ verb, side })
    expect(codec.decode(bytes)).toEqual(sample.value)
    if (sample.readOnly) return
    expect(Buffer.from(codec.encode(sample.value as never)).toString('hex')).toBe(sample.hex)
    // and the file is what would be written today: no column of it is stale
    expect(formatSample(complete(sample, codec))).toBe(file)
  })
})
