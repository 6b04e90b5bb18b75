import { readFileSync } from 'node:fs'
import { explain } from '@taxlink/bank-sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { banks } from '#adapters'
import { frame } from '../../sdk/frame.ts'
import { isFileSample } from '../adapters/file-samples.ts'
import { parseSample, samplesIn } from '../adapters/samples.ts'

const folder = (bank: string) => new URL(`../../adapters/${bank}/samples/`, import.meta.url)
const folders = ['xiangjiang', 'dongting', 'open']
/** Each sample of each bank, with its bytes and its private values. */
const samples = banks.flatMap((bank, i) =>
  samplesIn(folder(folders[i]!))
    .filter(name => !isFileSample(name))
    .map(name => {
      const sample = parseSample(readFileSync(new URL(name, folder(folders[i]!)), 'utf8'))
      return { bank, name, bytes: Buffer.from(sample.hex, 'hex'), value: sample.value as { readonly [field: string]: unknown } }
    }),
)

describe('any wire bytes of a known bank', () => {
  it.each(samples.map(sample => [`${sample.bank.code} ${sample.name}`, sample] as const))(
    '%s is explained, private values masked',
    (_, sample) => {
      const found = explain(sample.bank, sample.bytes)!
      expect(found.message).toBe(sample.name.split('.').slice(0, 2).join('.'))
      expect(found.rows.filter(row => row.fault)).toEqual([])
      const shown = JSON.stringify(found)
      for (const field of ['account', 'taxpayerId', 'taxpayerName']) {
        const secret = sample.value[field]
        if (typeof secret !== 'string') continue
        expect(shown).not.toContain(secret)
        expect(shown).not.toContain(Buffer.from(secret).toString('hex'))
      }
    },
  )

  it('says what a bank’s result code means, in every layout', () => {
    const results = samples.filter(({ name }) => name === 'debit.result.unlisted.sample')
    expect(results.length).toBe(3)
    for (const { bank, bytes } of results) {
      const shown = explain(bank, bytes)!.rows.map(row => row.text)
      expect(shown.some(text => /99090/.test(text))).toBe(true)
    }
  })

  it('takes a message with what stands before it on the wire, and counts offsets from there', () => {
    const [tcp, http] = [samples.find(({ bank }) => bank.line.kind === 'tcp')!, samples.find(({ bank }) => bank.line.kind === 'http')!]
    if (tcp.bank.line.kind !== 'tcp') throw new Error('no TCP bank')
    const alone = explain(tcp.bank, tcp.bytes)!
    const framed = Buffer.from(frame(tcp.bank.line, tcp.bytes))
    const shift = framed.length - tcp.bytes.length
    const whole = explain(tcp.bank, framed)!
    expect(whole.rows[0]).toMatchObject({ offset: 0, width: shift, text: String(tcp.bytes.length).padStart(6, '0') })
    expect(whole.rows.slice(1)).toEqual(alone.rows.map(row => ({ ...row, offset: row.offset + shift })))
    // two in one segment; then one that was cut
    expect(explain(tcp.bank, Buffer.concat([framed, framed]))!.rows.at(-1)).toMatchObject({ offset: framed.length, width: framed.length })
    expect(explain(tcp.bank, framed.subarray(0, -3))!.rows.at(-1)).toMatchObject({ width: 3, fault: expect.stringContaining('T2006') })

    const post = Buffer.concat([Buffer.from('POST /tax HTTP/1.1\r\nAuthorization: secret\r\n\r\n'), http.bytes])
    const posted = explain(http.bank, post)!
    expect(posted.rows).toHaveLength(explain(http.bank, http.bytes)!.rows.length + 1)
    expect(JSON.stringify(posted)).not.toContain('secret')
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(), fc.nat(255))),
        fc.nat(),
        fc.uint8Array({ maxLength: 12 }),
        (one, edits, cut, before) => {
          const bytes = Buffer.concat([before, one.bytes])
          for (const [at, byte] of edits) bytes[at % bytes.length] = byte
          explain(one.bank, bytes.subarray(0, cut % (bytes.length + 1)))
        },
      ),
      { numRuns: 2_000 },
    )
    for (const bank of banks) expect(explain(bank, Buffer.alloc(0))).toBeUndefined()
  })
})
