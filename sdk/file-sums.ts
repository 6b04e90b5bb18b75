import { type FileName, files } from './catalogue.ts'
import { fail, type Place } from './fault.ts'
import { maxFen } from './kinds.ts'
import { meaningOf } from './value.ts'

type Values = { readonly [field: string]: unknown }

/** Count and sums of a file's lines, exact however many they are. */
export class FileSums {
  readonly #spec: { readonly name: FileName; readonly sums: readonly string[]; readonly whole: { readonly [field: string]: string } }
  /** The word of each kind of line → which sum it belongs to. */
  readonly #laneOf: ReadonlyMap<string, number>
  /** The same by the place of the word in its kind. */
  readonly lanes: Int8Array
  /** A sum is `#high` + `#low`: only small whole numbers are added line by line. */
  readonly #low: number[]
  readonly #high: bigint[]
  count = 0

  constructor(name: FileName) {
    const { sums, whole, line } = files[name]
    this.#spec = { name, sums: Object.keys(sums), whole }
    this.#laneOf = new Map(Object.values(sums).flatMap((words, lane) => words.map(word => [word as string, lane] as const)))
    const meaning = meaningOf(line.fields.verb)
    const words = meaning.is === 'word' ? meaning.words : fail('bad-declaration', 'the lines of a file say what they are by a word')
    this.lanes = Int8Array.from(words, word => this.#laneOf.get(word) ?? fail('bad-declaration', `no sum has the lines that are ${word}`))
    this.#low = this.#spec.sums.map(() => 0)
    this.#high = this.#spec.sums.map(() => 0n)
  }

  /** Adds a line. */
  add(value: { readonly verb: string; readonly amount: number }, line: number): void {
    this.addTo(this.#laneOf.get(value.verb)!, value.amount, line)
  }

  /** Adds the amount of a line to a sum by its place. Refuses where the sum is more than any trailer can say. */
  addTo(lane: number, amount: number, line: number): void {
    this.count++
    const low = this.#low[lane]! + amount
    this.#low[lane] = low
    if (low > maxFen) this.#carry(lane, line)
  }

  #carry(lane: number, line: number): void {
    this.#high[lane] = this.#high[lane]! + BigInt(this.#low[lane]!)
    this.#low[lane] = 0
    const { sums, name } = this.#spec
    const field = sums[lane]!
    if (this.#high[lane] > BigInt(maxFen))
      fail('over-limit', `the sum is more than ${maxFen} fen, the most that can be told`, { message: files[name].trailer.id, field, line })
  }

  /** The sum by its place. */
  #sum(lane: number): bigint {
    return this.#high[lane]! + BigInt(this.#low[lane]!)
  }

  /** The trailer of the lines so far. */
  trailer(): Values {
    return { count: this.count, ...Object.fromEntries(this.#spec.sums.map((field, lane) => [field, Number(this.#sum(lane))])) }
  }

  /** Refuses a trailer that says something else. */
  checkTrailer(trailer: Values, place: Place): void {
    const { count } = trailer
    if (count !== this.count)
      fail('file-totals', `the trailer says ${String(count)} lines, there are ${this.count}`, { ...place, field: 'count' })
    for (const [lane, field] of this.#spec.sums.entries()) {
      const [said, is] = [BigInt(trailer[field] as number), this.#sum(lane)]
      if (said !== is) fail('file-totals', `the trailer says ${said} fen, the lines sum to ${is} fen`, { ...place, field })
    }
  }

  /** Refuses a header whose whole is not this part, where it is the only one, or is less than it. */
  checkHeader(header: Values, line: number): void {
    const { name, sums, whole } = this.#spec
    const place = { message: files[name].header.id, line }
    const single = header.chunks === 1
    const check = (field: string, is: bigint): void => {
      const said = BigInt(header[field] as number)
      if (single ? said !== is : said < is)
        fail('file-totals', `the header says ${said} of all parts, the lines of this one are ${is}`, { ...place, field })
    }
    check(whole.count!, BigInt(this.count))
    for (const [lane, field] of sums.entries()) check(whole[field]!, this.#sum(lane))
  }
}
