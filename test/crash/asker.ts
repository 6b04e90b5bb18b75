import { Agent, request } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'

/** Who somebody is on the line. */
export type Identity = { readonly ca: string; readonly cert: string; readonly key: string }
export type Reply = { readonly status: number; readonly body: unknown }

/** Asks the gateways in turn, as one identity; gives up a request soon. */
export const openAsker = (urls: readonly string[], tls: Identity) => {
  const agents = urls.map(url => ({ url, agent: new Agent({ keepAlive: true, maxSockets: 32, ...tls }) }))
  let turn = 0
  const ask = (method: string, path: string, body?: unknown, prefer?: string): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const { url, agent } = agents[turn++ % agents.length]!
      const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
      const headers = {
        ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}),
        ...(prefer ? { prefer } : {}),
      }
      const asked = request(new URL(path, url), { method, agent, headers, signal: AbortSignal.timeout(3_000) }, answer => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('error', reject)
        answer.on('end', () => {
          try {
            resolve({ status: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown })
          } catch (error) {
            reject(error)
          }
        })
      })
      asked.on('error', reject)
      asked.end(bytes)
    })
  /** Asks until there is an answer that is no «not now». */
  const insist = async (method: string, path: string, body?: unknown): Promise<Reply> => {
    for (;;) {
      const reply = await ask(method, path, body).catch(() => undefined)
      if (reply && reply.status < 500 && reply.status !== 429) return reply
      await pause(150)
    }
  }
  return {
    ask,
    insist,
    close: () => {
      for (const { agent } of agents) agent.destroy()
    },
  }
}
