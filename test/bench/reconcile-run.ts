// One session of the bench in a process of its own: `node reconcile-run.ts <database> <file>`; tells what it took as JSON.
import { randomUUID } from 'node:crypto'
import { outcome } from '@taxlink/bank-sdk'
import { bankOf } from '#adapters'
import { detailParts } from '../../gateway/flows/detail-parts.ts'
import type { Flow } from '../../gateway/flows/flow.ts'
import { reconcile } from '../../gateway/flows/reconcile.ts'
import { openDatabase } from '../../gateway/store/database.ts'
import { piecesOf } from '../../gateway/store/pieces.ts'
import { openStore, type Store } from '../../gateway/store/store.ts'
import { bankCode, day, printKey } from './reconcile-rows.ts'

const [databaseUrl, path] = process.argv.slice(2) as [string, string]
const db = openDatabase(databaseUrl, { connections: 4 })
const record = openStore(db)
let isMatched = false
// As far as the differences: what follows from each of them is not part of the comparison.
const store: Store = {
  ...record,
  reconciliations: { ...record.reconciliations, claim: async (...by) => (isMatched ? undefined : record.reconciliations.claim(...by)) },
}
const reference = (await store.reference())!
const owner = `bench-${randomUUID().slice(0, 8)}`
const result = outcome('90000')
const flow: Flow = {
  clock: () => new Date(),
  random: Math.random,
  pause: () => Promise.resolve(),
  store,
  call: () =>
    Promise.resolve({
      answer: { kind: 'answered', outcome: result, amount: 0 },
      told: { officeCode: '14301020000', entrustDate: day, serialNo: '00000001', result },
      transcript: '{}',
    }),
  isTimely: () => true,
  heldUntil: () => undefined,
  accountingDate: () => undefined,
  reference: () => reference,
  owner,
  leaseMs: 600_000,
  printKey: () => printKey,
  note: note => {
    if (note.event === 'reconciled' && note.detail?.endsWith(' taken')) isMatched = true
    if (note.event === 'trouble' || note.event === 'file-refused') throw new Error(note.detail)
  },
  settled: () => {},
}
const codec = bankOf(bankCode)!.files!.detail!
const opened = await store.reconciliations.open({
  bankCode,
  accountingDate: day,
  workDate: day,
  kind: 'day-end',
  openedBy: owner,
  reason: 'bench',
  now: new Date(),
})
const at = { bankCode, accountingDate: day, session: opened!.session }
// The same file for every round, which says that it is of the first session.
const file = {
  id: 1,
  sha256: '00'.repeat(32),
  parts: async function* (isWanted?: (line: number) => boolean) {
    for await (const part of detailParts(codec, [() => piecesOf(path)], isWanted))
      yield part.kind === 'header' ? { ...part, header: { ...part.header, session: at.session } } : part
  },
}
const start = performance.now()
await reconcile(flow, { ask: () => Promise.resolve(), find: () => Promise.resolve(file) })
const seconds = (performance.now() - start) / 1_000
const matched = await store.reconciliations.find(at)
if (matched?.state !== 'matched') throw new Error(`the session is ${matched?.state}: ${matched?.fileFault}`)
const found = Object.values(matched.counts ?? {}).reduce((sum, count) => sum + count, 0)
// Or the next round would go on with this session.
const done = await record.reconciliations.claim(owner, new Date(), new Date(Date.now() + 60_000))
if (done) await record.reconciliations.move(done, undefined, { next: null })
await db.close()
process.stdout.write(JSON.stringify({ seconds, megabytes: process.resourceUsage().maxRSS / 1_024, found }))
