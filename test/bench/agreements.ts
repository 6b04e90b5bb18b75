// Agreements in bulk on this machine: a file of 200,000 rows checked and written, and the reviewers' list over 1,000,000 agreements.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Flow } from '../../gateway/flows/flow.ts'
import { checkFile, type ImportRow, writeFile } from '../../gateway/flows/import.ts'
import { spool } from '../../gateway/http/imports.ts'
import { services } from '../../gateway/local.ts'
import { prepare, sampleReference } from '../../gateway/prepare.ts'
import { type Database, openDatabase } from '../../gateway/store/database.ts'
import { openStore } from '../../gateway/store/store.ts'
import { median, type Row } from './row.ts'

const taxSystem = 'urn:taxlink:tax-system:bench'
const offices = ['14301020000', '14301030000', '14301040000', '14302020000', '14306020000']
const banks = ['4301', '4306', '4310']

/** Every other one the bank has bound on paper already. */
const rowAt = (n: number): ImportRow => {
  const serial = String(n).padStart(8, '0')
  const own = {
    agreementNo: `BE-${serial}`,
    officeCode: offices[n % offices.length]!,
    bankCode: banks[n % banks.length]!,
    payerBankNo: '313551000001',
    account: `62220000${serial}`,
    taxpayerId: `91430100${serial}0X`,
    taxpayerName: `长沙星城机械${n}有限公司`,
    channel: 'computer',
    delivery: 'paper',
    approvedBy: 'county-0012',
  } as const
  if (n % 2 === 0) return own
  const held = {
    heldTaxpayerId: own.taxpayerId,
    heldTaxpayerName: own.taxpayerName,
    heldOfficeCode: own.officeCode,
    heldPayerBankNo: own.payerBankNo,
    heldAccount: own.account,
  }
  return { ...own, boundOn: '2026-01-15', ...held }
}

/** The rows there are, copied under other numbers until there are `wanted`. */
const multiply = async (db: Database, from: number, wanted: number): Promise<void> => {
  for (let have = from; have < wanted; have += from) {
    const step = have
    for (let at = 1; at <= from; at += 20_000)
      await db.execute(
        `INSERT INTO agreement (id, agreement_no, tax_system, taxpayer_id, taxpayer_name, office_code, bank_code, branch, account, channel, by_paper,
           content_hash, registered_at, state, state_since, approved_by, bound_on, likeness)
         SELECT id + ${step}, CONCAT(agreement_no, '-${step}'), tax_system, taxpayer_id, taxpayer_name, office_code, bank_code, branch, account, channel,
           by_paper, content_hash, registered_at, state, state_since, approved_by, bound_on, likeness FROM agreement WHERE id BETWEEN ? AND ?`,
        [at, Math.min(at + 19_999, from)],
      )
  }
}

/** A file of `rows` (s), and the slowest page of the reviewers' list over five times as many agreements (ms). */
export const agreementsBench = async (rows = 200_000): Promise<Row[]> => {
  const dir = mkdtempSync(join(tmpdir(), 'taxlink-bench-'))
  const running = await services({ dir, production: false, say: () => {} })
  const db = openDatabase(running.databaseUrl, { connections: 4, statementTimeout: 300_000 })
  try {
    await prepare(running.databaseUrl, sampleReference, () => {})
    const store = openStore(db)
    const reference = (await store.reference())!
    const flow = {
      store,
      clock: () => new Date(),
      reference: () => reference,
      pause: () => Promise.resolve(),
      note: () => {},
    } as unknown as Flow
    const text = Buffer.from(Array.from({ length: rows }, (_, n) => JSON.stringify(rowAt(n))).join('\n'))
    const began = performance.now()
    const file = await spool(Readable.from([text]))
    const faults = await checkFile(flow, taxSystem, file, new Date())
    if (faults.length > 0) throw new Error(JSON.stringify(faults[0]))
    const { sha256 } = file
    const begun = await store.agreements.beginImport({
      taxSystem,
      importNo: 'bench',
      sha256,
      rows,
      state: 'writing',
      faults: [],
      startedAt: new Date(),
    })
    await writeFile(flow, begun, file)
    await file.close()
    const seconds = (performance.now() - began) / 1000
    await multiply(db, rows, rows * 5)
    const pages: number[] = []
    const narrowed = [
      { offices: undefined },
      { offices: ['14306020000'] },
      { offices: offices.slice(0, 3), bankCode: '4306' },
      { offices: ['14301020000'], bankCode: '4310', likeness: 'exact' as const },
      { offices: undefined, likeness: 'differs' as const },
      { offices: undefined, before: new Date(Date.now() - 86_400_000) },
    ]
    for (const filter of narrowed)
      for (let after = 0, n = 0; n < 5; n++) {
        const start = performance.now()
        const page = await store.agreements.reviews(filter, after, 51)
        pages.push(performance.now() - start)
        after = page.at(-1)?.id ?? 0
      }
    process.stdout.write(
      `pages of the reviewers' list: median ${median(pages).toFixed(1)} ms, slowest ${Math.max(...pages).toFixed(1)} ms\n`,
    )
    const bound = { peer: 'bound', goal: 1, higherIsBetter: false }
    return [
      { ...bound, name: `a file of ${rows} agreements`, unit: 's', ours: [seconds], peers: [120] },
      { ...bound, name: `a page of the reviewers' list over ${rows * 5} agreements`, unit: 'ms', ours: [Math.max(...pages)], peers: [200] },
    ]
  } finally {
    await db.close()
    await running.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}
