import { Agent, request } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'

/** Who somebody is on the line. */
export type Identity = { readonly ca: string; readonly cert: string; readonly key: string }
/** What the gateway answered; `replayed`: from the record. */
export type Reply = { readonly status: number; readonly replayed: boolean; readonly body: unknown }
/** The line of one party to the gateway. */
export type Line = {
  /** Reads a page; asks again for a while when the gateway is not there or too busy. `prefer` as its header says. */
  read<T>(path: string, prefer?: string): Promise<T>
  /** A party that gets no certain answer simply sends the same order again: its number makes that harmless. Resolves to what is no «not now». */
  insist(path: string, body: unknown, prefer?: string): Promise<Reply>
  /** Orders what must be accepted; throws where it is not. A text is sent as lines of JSON. */
  order(path: string, body: unknown): Promise<Reply>
  close(): void
}

/** Opens the line of a party that shows this certificate. */
export const openLine = (url: string, tls: Identity): Line => {
  const agent = new Agent({ keepAlive: true, maxSockets: 32, ...tls })
  const ask = (method: string, path: string, body?: unknown, prefer?: string): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
      const type = typeof body === 'string' ? 'application/x-ndjson' : 'application/json'
      const headers = {
        ...(bytes ? { 'content-type': type, 'content-length': bytes.length } : {}),
        ...(prefer ? { prefer } : {}),
      }
      const sent = request(new URL(path, url), { method, agent, headers }, answer => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8')
          resolve({
            status: answer.statusCode ?? 0,
            replayed: answer.headers['idempotency-replayed'] === 'true',
            body: JSON.parse(text) as unknown,
          })
        })
      })
      sent.on('error', reject)
      sent.end(bytes)
    })
  const insist = async (path: string, body: unknown, prefer?: string): Promise<Reply> => {
    for (let left = 80; ; left--) {
      try {
        const reply = await ask('POST', path, body, prefer)
        if (reply.status < 500 && reply.status !== 429) return reply
        if (left === 0) throw new Error(`the gateway answers ${reply.status}`)
      } catch (error) {
        if (left === 0) throw error
      }
      await pause(250)
    }
  }
  return {
    insist,
    read: async <T>(path: string, prefer?: string): Promise<T> => {
      for (let left = 40; ; left--) {
        try {
          const { status, body } = await ask('GET', path, undefined, prefer)
          if (status === 200) return body as T
          if (left === 0 || (status < 500 && status !== 429)) throw new Error(`GET ${path}: status ${status} ${JSON.stringify(body)}`)
        } catch (error) {
          if (left === 0) throw error
        }
        await pause(250)
      }
    },
    order: async (path, body) => {
      const reply = await insist(path, body)
      if (reply.status >= 400) throw new Error(`POST ${path}: status ${reply.status} ${JSON.stringify(reply.body)}`)
      return reply
    },
    close: () => agent.destroy(),
  }
}
