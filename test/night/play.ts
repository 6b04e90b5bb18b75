import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { banks as adapters } from '#adapters'
import type { DifferenceType } from '../../gateway/domain/reconcile.ts'
import { openDatabase } from '../../gateway/store/database.ts'
import type { DifferenceView } from '../../gateway/store/differences.ts'
import { openStore, type Store } from '../../gateway/store/store.ts'
import { loadLedger } from './load.ts'
import { bookingsOf, day, linesOf, type Night, nameAt, plantedAt, printKey } from './plan.ts'

/** What a night came to. */
export type Played = { readonly kills: number; readonly differences: number; readonly seconds: number }

const writeFile = async (night: Night, bank: number, dir: string): Promise<void> => {
  const bankCode = night.banks[bank]!
  let [count, sum] = [0, 0]
  for (const { amount } of linesOf(night, bank)) {
    count++
    sum += amount
  }
  const header = { bankCode, workDate: day, accountingDate: day, session: 1, chunk: 1, chunks: 1 }
  const codec = adapters[Number(bankCode) % adapters.length]!.files!.detail!
  const bytes = codec.write({ ...header, fileCount: count, fileDebitSum: sum, fileCreditSum: 0 }, linesOf(night, bank))
  await pipeline(Readable.from(bytes), createWriteStream(join(dir, `${bankCode}.dat`)))
}

/** A worker in a process of its own. `told` hears each line it says. */
const startWorker = (databaseUrl: string, dir: string, told: (line: string, worker: ChildProcess) => void): ChildProcess => {
  const worker = spawn(process.execPath, [join(import.meta.dirname, 'worker.ts'), databaseUrl, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  createInterface({ input: worker.stdout }).on('line', line => told(line, worker))
  return worker
}
const ended = (worker: ChildProcess): Promise<void> =>
  new Promise(resolve => {
    if (worker.exitCode !== null || worker.signalCode !== null) resolve()
    else worker.once('exit', () => resolve())
  })

const openAll = (store: Store, night: Night): Promise<unknown> =>
  Promise.all(
    night.banks.map(bankCode =>
      store.reconciliations.open({
        bankCode,
        accountingDate: day,
        workDate: day,
        kind: 'day-end',
        openedBy: 'night',
        reason: '',
        now: new Date(),
      }),
    ),
  )
const isOver = async (store: Store, night: Night, session: number): Promise<boolean> => {
  for (const bankCode of night.banks)
    if ((await store.reconciliations.find({ bankCode, accountingDate: day, session }))?.state !== 'differing') return false
  return true
}
const found = async (store: Store, bankCode: string, session: number): Promise<DifferenceView[]> => {
  const all: DifferenceView[] = []
  for (;;) {
    const last = all.at(-1)
    const page = await store.differences.list({ bankCode, accountingDate: day, session }, last, 1_000)
    if (page.length === 0) return all
    all.push(...page)
  }
}
const check = (night: Night, bankCode: string, rows: readonly DifferenceView[]): void => {
  const expected = new Map<string, DifferenceType>()
  for (let n = 0; n < night.lines; n++) {
    const planted = plantedAt(night, n)
    if (planted) expected.set(nameAt(n), planted)
  }
  for (const { officeCode, serialNo, type } of rows) {
    const name = `${officeCode}/${serialNo}`
    if (expected.get(name) !== type) throw new Error(`${bankCode} ${name}: found ${type}, planted ${expected.get(name) ?? 'nothing'}`)
    expected.delete(name)
  }
  if (expected.size > 0) throw new Error(`${bankCode}: ${expected.size} not found, the first ${JSON.stringify([...expected][0])}`)
}

/**
 * Plays a night twice: first with workers that are killed at random moments, `kills` times in all, then undisturbed. Every planted difference has to be found
 * for what it is, none other, and both times the same rows. `random` is in [0, 1).
 */
export const playNight = async (
  databaseUrl: string,
  dir: string,
  night: Night,
  kills: number,
  random: () => number,
  say: (line: string) => void = () => {},
): Promise<Played> => {
  for (const bank of night.banks.keys()) await writeFile(night, bank, dir)
  await loadLedger(databaseUrl, printKey, bookingsOf(night))
  say('files and ledger are there')
  const db = openDatabase(databaseUrl, { connections: 2 })
  const store = openStore(db)
  try {
    await openAll(store, night)
    let left = kills
    const workers = new Set<ChildProcess>()
    const hire = (): void => {
      // Of a small file a worker reads few parts, of a large one many.
      let until = 1 + Math.floor(random() * Math.max(8, night.lines / 4_096))
      const worker = startWorker(databaseUrl, dir, (line, self) => {
        if (line !== 'part') {
          if (line.startsWith('trouble') || line.startsWith('file-refused')) say(line)
          return
        }
        if (left <= 0 || --until > 0 || self.killed) return
        left--
        self.kill('SIGKILL')
      })
      workers.add(worker)
      worker.once('exit', () => {
        workers.delete(worker)
        if (!stopped) hire()
      })
    }
    let stopped = false
    const start = performance.now()
    for (let i = 0; i < 2; i++) hire()
    while (!(await isOver(store, night, 1))) await pause(100)
    const seconds = (performance.now() - start) / 1_000
    const killed = kills - left
    say(`the disturbed night is over, ${killed} kills`)
    await openAll(store, night)
    left = 0
    while (!(await isOver(store, night, 2))) await pause(100)
    stopped = true
    for (const worker of workers) {
      worker.kill('SIGKILL')
      await ended(worker)
    }
    let differences = 0
    for (const bankCode of night.banks) {
      const [disturbed, calm] = [await found(store, bankCode, 1), await found(store, bankCode, 2)]
      check(night, bankCode, disturbed)
      const plain = (rows: readonly DifferenceView[]) => JSON.stringify(rows.map(({ session: _session, ...each }) => each))
      if (plain(disturbed) !== plain(calm)) throw new Error(`${bankCode}: the undisturbed night found other rows`)
      differences += disturbed.length
    }
    return { kills: killed, differences, seconds }
  } finally {
    await db.close()
  }
}
