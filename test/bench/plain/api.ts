// The yardstick: how a debit service is written when nobody has thought about speed. One insert and one job a debit; see worker.ts.

import { objectSchema } from '@taxlink/bank-sdk'
import { Queue } from 'bullmq'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { createPool } from 'mysql2/promise'
import { type DebitOrder, debitOrder } from '../../../gateway/flows/order.ts'

const pool = createPool({ uri: process.env.DATABASE_URL!, connectionLimit: 10 })
const queue = new Queue<{ id: number }>('plain', { connection: new Redis(process.env.REDIS_URL!, { maxRetriesPerRequest: null }) })
const app = Fastify({ ajv: { customOptions: { strict: false } } })
app.post<{ Body: DebitOrder }>('/v1/debits', { schema: { body: objectSchema(debitOrder.fields) } }, async (request, reply) => {
  const order = request.body
  const [inserted] = await pool.execute<{ insertId: number } & import('mysql2').ResultSetHeader>(
    'INSERT INTO plain_debit (ticket_no, amount, status, body, created_at) VALUES (?, ?, 0, ?, ?)',
    [order.ticketNo, order.amount, JSON.stringify(order), new Date()],
  )
  await queue.add(
    'debit',
    { id: inserted.insertId },
    { removeOnComplete: true, attempts: 5, backoff: { type: 'exponential', delay: 1000 } },
  )
  return reply.code(202).send({ ticketNo: order.ticketNo, state: 'accepted' })
})
process.stdout.write(`ready ${await app.listen({ port: 0, host: '127.0.0.1' })}\n`)
