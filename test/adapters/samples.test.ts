import { readFileSync, writeFileSync } from 'node:fs'
import { type Bank, recognise } from '@taxlink/bank-sdk'
import { describe, expect, test } from 'vitest'
import dongting from '../../adapters/dongting/index.ts'
import { banks } from '../../adapters/index.ts'
import open from '../../adapters/open/index.ts'
import xiangjiang from '../../adapters/xiangjiang/index.ts'
import { complete, formatSample, independentBytes, messagesOf, parseSample, pinOf, samplesIn, textOf } from './samples.ts'

// The samples are the contract with each bank, byte by byte. A new sample is a file with a title and a value;
// UPDATE_SAMPLES=1 vitest run test/adapters/samples.test.ts writes its message and bytes, for people to compare with the bank's page.

const folders: readonly (readonly [folder: string, bank: Bank])[] = [
  ['xiangjiang', xiangjiang],
  ['dongting', dongting],
  ['open', open],
]
const folderOf = (folder: string) => new URL(`../../adapters/${folder}/samples/`, import.meta.url)

test('every bank of the province is sampled', () => {
  expect(folders.map(([, bank]) => bank.code)).toEqual(banks.map(bank => bank.code))
})

describe.each(folders)('%s', (folder, bank) => {
  const messages = messagesOf(bank)
  const files = samplesIn(folderOf(folder))
  const idOf = (name: string) => name.split('.').slice(0, 2).join('.')

  test('every message of the bank has a sample, every sample a message', () => {
    expect([...new Set(files.map(idOf))].sort()).toEqual([...messages.keys()].sort())
  })

  test.each(files)('%s', name => {
    const { verb, side, codec } = messages.get(idOf(name))!
    const at = new URL(name, folderOf(folder))
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
