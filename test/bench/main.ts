// `npm run bench`: every figure of the goals, ours and a peer's by turns in one run, as ratios of medians. `npm run bench -- 7 record e2e` takes
// seven rounds of some. Ends with 1 where a goal is missed.
import { agreementsBench } from './agreements.ts'
import { charsetBench } from './charset.ts'
import { e2eBench } from './e2e.ts'
import { filesBench } from './files.ts'
import { reconcileBench, reconcileTenBench } from './reconcile.ts'
import { recordBench } from './record.ts'
import { type Row, show } from './row.ts'
import { sickBench } from './sick.ts'
import { xmlBench } from './xml.ts'

// Short rounds are many, long ones few.
const benches: { readonly [name: string]: { readonly run: (rounds: number) => Promise<Row[]>; readonly rounds: number } } = {
  charset: { run: charsetBench, rounds: 15 },
  record: { run: recordBench, rounds: 7 },
  files: { run: filesBench, rounds: 5 },
  xml: { run: xmlBench, rounds: 9 },
  e2e: { run: e2eBench, rounds: 5 },
  sick: { run: sickBench, rounds: 7 },
  agreements: { run: () => agreementsBench(), rounds: 1 },
  reconcile: { run: reconcileBench, rounds: 5 },
}

// Only when asked for by name.
const long: typeof benches = { reconcile10: { run: reconcileTenBench, rounds: 3 } }

const words = process.argv.slice(2)
const asked = words.map(Number).find(n => Number.isInteger(n) && n > 0)
const chosen = words.filter(word => Object.hasOwn(benches, word) || Object.hasOwn(long, word))

let missed = 0
for (const [name, { run, rounds }] of Object.entries({ ...benches, ...long })) {
  if (chosen.length > 0 ? !chosen.includes(name) : Object.hasOwn(long, name)) continue
  process.stdout.write(`== ${name}, ${asked ?? rounds} rounds\n`)
  for (const row of await run(asked ?? rounds)) if (!show(row)) missed++
}
process.exitCode = missed === 0 ? 0 : 1
