// The yardstick's other half: a select, an update, a socket of its own, and another update for each debit.
import { connect } from 'node:net'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { createPool, type RowDataPacket } from 'mysql2/promise'
import xiangjiang from '../../../adapters/xiangjiang/index.ts'
import type { DebitOrder } from '../../../gateway/flows/order.ts'

const pool = createPool({ uri: process.env.DATABASE_URL!, connectionLimit: 10 })
const bank = new URL(process.env.TAXLINK_BANK_4301_URL!)

const ask = (body: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(bank.port), bank.hostname, () =>
      socket.write(Buffer.concat([Buffer.from(String(body.length).padStart(6, '0')), body])),
    )
    let got = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('data', chunk => {
      got = Buffer.concat([got, chunk])
      if (got.length < 6 || got.length < 6 + Number(got.toString('latin1', 0, 6))) return
      socket.end()
      resolve(got.subarray(6))
    })
  })

new Worker<{ id: number }>(
  'plain',
  async job => {
    const [[row]] = await pool.execute<RowDataPacket[]>('SELECT id, body FROM plain_debit WHERE id = ?', [job.data.id])
    const { bankCode: _, ...order } = JSON.parse(row!.body as string) as DebitOrder
    await pool.execute('UPDATE plain_debit SET status = 1, updated_at = ? WHERE id = ?', [new Date(), row!.id])
    const request = {
      ...order,
      entrustDate: '2026-11-10',
      serialNo: String(row!.id).padStart(8, '0'),
      workDate: '2026-11-10',
      treasuryCode: '18010000',
      clearingNo: '011551000018',
      remittanceAccount: '4301018010000000001',
    }
    const reply = xiangjiang.debit.reply.decode(await ask(xiangjiang.debit.request.encode(request)))
    await pool.execute('UPDATE plain_debit SET status = ?, bank_serial = ?, updated_at = ? WHERE id = ?', [
      reply.result.class === 'succeeded' ? 2 : 3,
      reply.bankSerial ?? null,
      new Date(),
      row!.id,
    ])
  },
  { connection: new Redis(process.env.REDIS_URL!, { maxRetriesPerRequest: null }), concurrency: 50 },
)
process.stdout.write('ready\n')
