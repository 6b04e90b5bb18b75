import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** One condition of being ready: resolves to undefined when it holds, else to the reason in both languages. */
export type Check = () => Promise<Reason | undefined>
/** Why something is not ready. */
export type Reason = { readonly zh: string; readonly en: string }

export type InternalOptions = {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** By name, `database`, `migrations`, `redis`. */
  readonly checks: { readonly [name: string]: Check }
  readonly closing: () => boolean
  /** What is known of the banks, shown beside the checks: a sick bank makes no process unready. */
  readonly banks?: () => readonly object[]
  /** What will matter before long and makes nothing unready yet. */
  readonly warnings?: () => readonly ({ readonly name: string } & Reason)[]
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
}
/** The internal port. */
export type Internal = { readonly url: string; close(): Promise<void> }

/** A condition as a check: whatever goes wrong in it is the reason, in the words given. */
export const check =
  (holds: () => Promise<boolean>, zh: string, en: string): Check =>
  async () =>
    (await holds().catch(() => false)) ? undefined : { zh, en }

const patienceMs = 2_000
const late: Reason = { zh: '检查超时', en: 'the check took too long' }

/** Opens the internal port, plain HTTP for the machine's own network: /livez (the process), /readyz (what it stands on), /metrics. */
export const openInternal = async (options: InternalOptions): Promise<Internal> => {
  const pages: { readonly [path: string]: (response: ServerResponse) => Promise<void> | void } = {
    '/livez': response => json(response, 200, { alive: true }),
    '/readyz': async response => {
      const reasons = await unready(options)
      const banks = options.banks ? { banks: options.banks() } : {}
      const warnings = options.warnings ? { warnings: options.warnings() } : {}
      json(response, reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons, ...warnings, ...banks })
    },
    '/metrics': async response => text(response, 200, options.metrics.contentType, await options.metrics.text()),
  }
  const server = createServer({ requestTimeout: 5_000, connectionsCheckingInterval: 1_000 }, (request, response) => {
    const page = pages[(request.url ?? '').split('?')[0]!]
    if (!page) return json(response, 404, { error: 'not found' })
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(response, 405, { error: 'GET only' })
    Promise.resolve(page(response)).catch(() => json(response, 500, { error: 'internal' }))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  const { address, port, family } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const unready = async ({ checks, closing }: InternalOptions): Promise<({ readonly name: string } & Reason)[]> => {
  if (closing()) return [{ name: 'closing', zh: '正在停止', en: 'closing' }]
  const found = await Promise.all(
    Object.entries(checks).map(async ([name, hold]) => {
      const over = new AbortController()
      const reason = await Promise.race([hold(), pause(patienceMs, late, { signal: over.signal, ref: false }).catch(() => late)])
      over.abort()
      return reason ? [{ name, ...reason }] : []
    }),
  )
  return found.flat()
}

const text = (response: ServerResponse, status: number, contentType: string, body: string): void => {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(body)
}
const json = (response: ServerResponse, status: number, body: unknown): void => {
  text(response, status, 'application/json', `${JSON.stringify(body)}\n`)
}
