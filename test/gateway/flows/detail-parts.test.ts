import { expect, test } from 'vitest'
import { banks } from '#adapters'
import { detailOf } from '../../../gateway/flows/detail-file.ts'
import { detailParts } from '../../../gateway/flows/detail-parts.ts'
import { bytesOf, detailLines, freshName, headerOf } from '../detail.ts'

/** A file in three chunks, as its bank writes it. */
const chunksOf = async (bankCode: string) => {
  const lines = detailLines(30)
  const name = freshName(bankCode)
  const whole = headerOf(name, lines, 3)
  const parts = [lines.slice(0, 12), lines.slice(12, 13), lines.slice(13)]
  const all = await Promise.all(parts.map((own, i) => bytesOf({ ...whole, chunk: i + 1 }, own)))
  return all.map(
    bytes =>
      async function* () {
        yield bytes.subarray(0, 100)
        yield bytes.subarray(100)
      },
  )
}
/** The lines of a reading: number and serial; and which other parts came. */
const readThrough = async (...given: Parameters<typeof detailParts>) => {
  const lines: [number, string][] = []
  const others: string[] = []
  for await (const part of detailParts(...given)) {
    if (part.kind !== 'lines') others.push(part.kind)
    else
      for (let i = 0; i < part.count; i++) {
        const { starts, ends } = part.columns.bankSerial
        lines.push([part.lineNo(i), part.texts.toString('latin1', starts[i], ends[i])])
      }
  }
  return { lines, others }
}

test.each(banks.flatMap(({ code }) => (detailOf(code) ? [code] : [])))(
  'wanted lines of %s are those of the whole, by their numbers',
  async code => {
    const codec = detailOf(code)!
    const chunks = await chunksOf(code)
    const whole = await readThrough(codec, chunks)
    expect(whole.lines.map(([no]) => no)).toEqual([
      ...Array.from({ length: 12 }, (_, i) => i + 2),
      16,
      ...Array.from({ length: 17 }, (_, i) => i + 19),
    ])
    expect(whole.others).toEqual(['header', 'trailer', 'header', 'trailer', 'header', 'trailer'])
    for (const wanted of [[2], [13, 16, 19], [3, 35], [16], []] as const) {
      const some = await readThrough(codec, chunks, line => (wanted as readonly number[]).includes(line))
      expect(some.lines).toEqual(whole.lines.filter(([no]) => (wanted as readonly number[]).includes(no)))
      expect(some.others).toEqual(['header', 'header', 'header'])
    }
  },
)

test('whoever stops after the header lets go of the file', async () => {
  const [first] = await chunksOf('4301')
  let [opened, closed] = [0, 0]
  const source = async function* () {
    opened++
    try {
      // Longer than anything that is read ahead.
      yield* first!()
      for (;;) yield Buffer.alloc(1 << 20, ' ')
    } finally {
      closed++
    }
  }
  for await (const part of detailParts(detailOf('4301')!, [source])) if (part.kind === 'header') break
  expect([opened, closed]).toEqual([1, 1])
})
