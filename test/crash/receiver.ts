import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The tax side's receiver of results: what it was told, in the order in which it came. */
export type Receiver = {
  readonly url: string
  readonly secret: string
  readonly delivered: readonly { readonly seq: number; readonly ticketNo: string; readonly state: string }[]
  close(): Promise<void>
}

/** Opens a receiver that takes everything. */
export const openReceiver = async (): Promise<Receiver> => {
  const delivered: { seq: number; ticketNo: string; state: string }[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('error', () => {})
    request.on('end', () => {
      const { results } = JSON.parse(Buffer.concat(parts).toString('utf8')) as { results: (typeof delivered)[number][] }
      for (const { seq, ticketNo, state } of results) delivered.push({ seq, ticketNo, state })
      response.writeHead(204).end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/results`,
    secret: 'a secret of the chaos run, long enough to be one',
    delivered,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
