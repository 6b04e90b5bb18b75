import { readFileSync, writeFileSync } from 'node:fs'
import { explain } from '@taxlink/bank-sdk'
import { describe, expect, test } from 'vitest'
import { subjects } from '../../docs/banks/subjects.ts'
import { readAll } from '../sdk/file-kit.ts'
import { bytesOfText, completeFile, formatFileSample, isFileSample, parseFileSample } from './file-samples.ts'
import { pinOf, samplesIn } from './samples.ts'

// Samples of files, byte by byte; UPDATE_SAMPLES=1 completes a new one from its title and value, as for messages.

describe.each(subjects)('$folder', ({ bank, samples }) => {
  const file = bank.files!.detail!
  const names = samplesIn(samples).filter(isFileSample)

  test('there is one with lines of every kind, and one without', () => {
    const values = names.map(name => parseFileSample(readFileSync(new URL(name, samples), 'utf8')).value)
    expect(values.some(({ lines }) => lines.length === 0)).toBe(true)
    const verbs = new Set(values.flatMap(({ lines }) => lines.map(({ verb }) => verb)))
    expect([...verbs].sort()).toEqual(['adjustment', 'debit', 'reversal', 'supplementaryDebit'])
  })

  test.each(names)('%s', async name => {
    const at = new URL(name, samples)
    if (process.env.UPDATE_SAMPLES) writeFileSync(at, formatFileSample(await completeFile(parseFileSample(readFileSync(at, 'utf8')), file)))
    const text = readFileSync(at, 'utf8')
    const sample = parseFileSample(text)
    const bytes = bytesOfText(file, sample.text)
    expect(pinOf(bytes)).toBe(sample.pin)
    const { header, lines } = await readAll(file, bytes)
    expect({ header, lines }).toEqual(sample.value)
    expect(formatFileSample(await completeFile(sample, file))).toBe(text)
    // explain knows it, line by line, and shows no account and no name.
    const explained = explain(bank, bytes)
    expect(explained).toMatchObject({ message: 'detail', zh: '对账明细文件' })
    expect(explained!.rows.filter(row => row.fault)).toEqual([])
    expect(explained!.rows.filter(row => row.zh.startsWith('第'))).toHaveLength(sample.value.lines.length + 2)
    for (const { account, taxpayerName } of sample.value.lines)
      for (const secret of [account, taxpayerName]) if (secret) expect(JSON.stringify(explained)).not.toContain(secret)
  })
})
