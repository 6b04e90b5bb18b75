// A worker of the night in a process of its own, to be killed at any time: `node worker.ts <database> <directory>`. Says what it does, line by line.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { outcome } from '@taxlink/bank-sdk'
import { banks } from '#adapters'
import { detailParts } from '../../gateway/flows/detail-parts.ts'
import type { Flow } from '../../gateway/flows/flow.ts'
import { type FileSource, reconcile } from '../../gateway/flows/reconcile.ts'
import { openDatabase } from '../../gateway/store/database.ts'
import { piecesOf } from '../../gateway/store/pieces.ts'
import { openStore } from '../../gateway/store/store.ts'
import { day, nightBanks, printKey } from './plan.ts'

const [databaseUrl, dir] = process.argv.slice(2) as [string, string]
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const store = openStore(openDatabase(databaseUrl, { connections: 3 }))
const loaded = (await store.reference())!
const one = loaded.banks.get('4301')!
const reference = { ...loaded, banks: new Map(nightBanks.map(code => [code, { ...one, code }])) }
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
  owner: `night-${randomUUID().slice(0, 8)}`,
  leaseMs: 3_000,
  printKey: () => printKey,
  note: ({ event, detail }) => say(`${event} ${detail ?? ''}`),
  settled: () => {},
}
// The banks of the night are many, the layouts three; a file says that it is of the first session, and is used for others, too.
const files: FileSource = {
  ask: () => Promise.resolve(),
  find: ({ bankCode, session }) => {
    const codec = banks[Number(bankCode) % banks.length]!.files!.detail!
    const open = () => piecesOf(join(dir, `${bankCode}.dat`))
    const parts = async function* (isWanted?: (line: number) => boolean) {
      for await (const part of detailParts(codec, [open], isWanted)) {
        say('part')
        yield part.kind === 'header' ? { ...part, header: { ...part.header, session } } : part
      }
    }
    return Promise.resolve({ id: 1, sha256: '00'.repeat(32), parts })
  },
}
say('ready')
for (;;) {
  await reconcile(flow, files)
  await pause(50)
}
