import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Fault, type Tls } from '@taxlink/bank-sdk'
import type { DaySession, Details } from './detail.ts'

/** Where the bank hands over its files: into a folder, or by HTTPS to the gateway; how many lines a file has, all unless told. */
export type FilesTo = {
  readonly folder?: string
  readonly url?: string
  readonly tls?: Tls
  readonly linesPerFile?: number
  /** The first pause (ms) after an upload without an answer. */
  readonly retryMs?: number
}
/** A file that was handed over, and what the gateway answered to it; into a folder nobody answers. */
export type Delivered = { readonly name: string; readonly status?: number; readonly body?: string }

const longestRetryMs = 30_000
const answerMs = 60_000

/** Hands the files of a day over, one after another, each until it has an answer. */
export class Delivery {
  readonly #details: Details
  readonly #to: FilesTo
  readonly #fault: (fault: Fault) => void
  readonly #stop = new AbortController()
  #last: Promise<void> = Promise.resolve()
  /** All that was handed over, in order. */
  readonly delivered: Delivered[] = []

  constructor(details: Details, to: FilesTo, fault: (fault: Fault) => void) {
    this.#details = details
    this.#to = to
    this.#fault = fault
  }

  /** Writes and sends the files of a day; resolves when they are handed over. */
  deliver(of: DaySession): Promise<void> {
    const files = this.#details.write(of)
    const next = this.#last.then(async () => {
      for (const file of files) await this.#one(file)
    })
    this.#last = next.catch(error => {
      if (!this.#stop.signal.aborted) this.#fault(error instanceof Fault ? error : new Fault('internal', 'a file could not be handed over'))
    })
    return next
  }

  async #one({ name, bytes }: ReturnType<Details['write']>[number]): Promise<void> {
    const { folder, url } = this.#to
    if (folder !== undefined) {
      await mkdir(folder, { recursive: true })
      // Under another name until it is whole: who watches the folder takes only what is.
      const part = join(folder, `.${name}.part`)
      await pipeline(Readable.from(bytes()), createWriteStream(part, { flush: true }), { signal: this.#stop.signal })
      await rename(part, join(folder, name))
      this.delivered.push({ name })
    }
    if (url !== undefined) this.delivered.push({ name, ...(await this.#upload(url, name, bytes)) })
  }

  async #upload(
    url: string,
    name: string,
    bytes: () => AsyncGenerator<Buffer>,
  ): Promise<{ readonly status: number; readonly body: string }> {
    for (let pause = this.#to.retryMs ?? 500; ; pause = Math.min(longestRetryMs, pause * 2)) {
      try {
        const answer = await this.#put(new URL(`/v1/reconciliation-files/${name}`, url), bytes())
        if (answer.status < 500 && answer.status !== 429) return answer
      } catch (error) {
        this.#stop.signal.throwIfAborted()
        this.#fault(error instanceof Fault ? error : new Fault('connection-lost', 'an upload was cut off'))
      }
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, pause)
        this.#stop.signal.addEventListener('abort', () => {
          clearTimeout(timer)
          reject(this.#stop.signal.reason as Error)
        })
      })
    }
  }

  async #put(url: URL, bytes: AsyncGenerator<Buffer>): Promise<{ readonly status: number; readonly body: string }> {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const headers = { 'content-type': 'application/octet-stream', connection: 'close' }
    const request = send(url, { method: 'PUT', headers, timeout: answerMs, signal: this.#stop.signal, agent: false, ...this.#to.tls })
    request.on('timeout', () => request.destroy(new Fault('timeout', 'no answer to an upload')))
    const answered = once(request, 'response')
    // A server may answer, and close, before it has read all.
    const [[response]] = (await Promise.all([answered, pipeline(Readable.from(bytes), request).catch(() => undefined)])) as [
      [NodeJS.ReadableStream & { readonly statusCode?: number }],
      unknown,
    ]
    let body = ''
    for await (const part of response) body += String(part)
    return { status: response.statusCode ?? 0, body }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#last
  }
}
