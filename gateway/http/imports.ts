import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { Fault, faults as faultTexts, objectSchema, parseJson } from '@taxlink/bank-sdk'
import { shanghaiTime } from '../domain/time.ts'
import type { Flow } from '../flows/flow.ts'
import { checkFile, type ImportFile, type ImportRow, importRow, mostRows, writeFile } from '../flows/import.ts'
import type { ImportView } from '../store/agreement-imports.ts'
import { agreementOperations } from './agreement-operations.ts'
import type { App, Request } from './app.ts'
import { bodyLimits } from './body.ts'
import { Refusal, retryAfter } from './problem.ts'
import { caller, refuse, type TaxDeps } from './tax.ts'
import { bodyCheck, placeErrors } from './validate.ts'

const rowCheck = bodyCheck<ImportRow>({ $id: 'ImportRow', ...objectSchema(importRow.fields) })
const limits = { bytes: bodyLimits.single, depth: 3, nodes: 100 } as const
const newline = 0x0a

/** A file as its bytes: lines are found once, and read again when they are written, so that 200,000 of them cost no more than their text. */
export const fileOf = (bytes: Buffer): ImportFile => {
  const starts: number[] = []
  for (let at = 0; at < bytes.length && starts.length <= mostRows; ) {
    const end = bytes.indexOf(newline, at)
    if (bytes.subarray(at, end < 0 ? bytes.length : end).some(byte => byte > 0x20)) starts.push(at)
    if (end < 0) break
    at = end + 1
  }
  const line = (i: number): Buffer => {
    const end = bytes.indexOf(newline, starts[i])
    return bytes.subarray(starts[i], end < 0 ? bytes.length : end)
  }
  return {
    sha256: hash('sha256', bytes, 'buffer'),
    rows: starts.length,
    row: i => {
      try {
        const value = parseJson(line(i), limits)
        if (rowCheck(value)) return { row: value }
        return { faults: placeErrors(rowCheck.errors).map(({ pointer, zh, en }) => ({ pointer, code: 'invalid-request', zh, en })) }
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        const { zh, en } = faultTexts[error.fault]
        return { faults: [{ pointer: error.at.field === undefined ? '' : `/${error.at.field}`, code: error.fault, zh, en }] }
      }
    },
  }
}

/** An import as the tax side sees it. */
const importJson = ({ importNo, state, rows, written, faults, startedAt, doneAt }: ImportView) => ({
  importNo,
  state,
  rows,
  written,
  faults,
  startedAt: shanghaiTime(startedAt),
  ...(doneAt ? { doneAt: shanghaiTime(doneAt) } : {}),
})

/** Takes files of lines, on the one route that is for them, as a stream that is bounded as it arrives. */
export const lineBodies = (app: App): void => {
  app.addContentTypeParser('application/x-ndjson', async (request: Request, payload: IncomingMessage) => {
    if (request.routeOptions.url !== agreementOperations.postImport.url)
      throw new Refusal(415, 'unsupported', { detail: 'only application/json in UTF-8' })
    return await gathered(payload)
  })
}
const gathered = async (payload: Readable): Promise<Buffer> => {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of payload as AsyncIterable<Buffer>) {
    size += part.length
    if (size > bodyLimits.file) throw new Refusal(413, 'too-large', { headers: { connection: 'close' } })
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Binds the imports to a server. */
export const importRoutes = (app: App, { flow }: Pick<TaxDeps, 'flow'>): void => {
  /** The one import that this process is busy with. */
  let busy: string | undefined
  const write = (begun: ImportView, file: ImportFile, key: string): void => {
    busy = key
    void writeFile(flow, begun, file)
      .catch((error: unknown) => flow.note({ event: 'trouble', detail: `import ${begun.id}: ${String(error)}` }))
      .finally(() => {
        busy = undefined
      })
  }

  app.route<{ Params: { importNo: string }; Body: Buffer }>({
    ...agreementOperations.postImport,
    handler: async (request, reply) => {
      if (!Buffer.isBuffer(request.body)) throw new Refusal(415, 'unsupported', { detail: 'only application/x-ndjson in UTF-8' })
      const taxSystem = caller(request)
      const { importNo } = request.params
      const key = `${taxSystem}/${importNo}`
      const file = fileOf(request.body)
      const before = await flow.store.agreements.findImport(taxSystem, importNo)
      const accepted = before && before.state !== 'refused' ? before : undefined
      if (accepted && !accepted.sha256.equals(file.sha256)) throw differs(accepted, file)
      if (accepted?.state === 'done') return reply.header('idempotency-replayed', 'true').send(importJson(accepted))
      const running = accepted !== undefined && busy === key
      if (!running && busy !== undefined) throw new Refusal(503, 'overloaded', { headers: retryAfter })
      reply.header('location', `/v1/agreement-imports/${importNo}`)
      if (running) return reply.code(202).send(importJson(accepted))
      busy = key
      try {
        const begun = accepted ?? (await beginning(flow, taxSystem, importNo, file))
        if (begun.state === 'refused') {
          busy = undefined
          return importJson(begun)
        }
        if (!begun.sha256.equals(file.sha256)) throw differs(begun, file)
        write(begun, file, key)
        return reply.code(202).send(importJson(begun))
      } catch (error) {
        busy = undefined
        throw error
      }
    },
  })

  app.route<{ Params: { importNo: string } }>({
    ...agreementOperations.getImport,
    handler: async request => {
      const found = await flow.store.agreements.findImport(caller(request), request.params.importNo)
      return found ? importJson(found) : refuse(404, 'not-found')
    },
  })
}

const differs = (accepted: ImportView, file: ImportFile): Refusal =>
  new Refusal(409, 'content-differs', { hash: file.sha256.toString('hex'), acceptedHash: accepted.sha256.toString('hex') })

const beginning = async (flow: Flow, taxSystem: string, importNo: string, file: ImportFile): Promise<ImportView> => {
  const startedAt = flow.clock()
  const faults = await checkFile(flow, taxSystem, file, startedAt)
  const { sha256, rows } = file
  return flow.store.agreements.beginImport({
    taxSystem,
    importNo,
    sha256,
    rows,
    state: faults.length > 0 ? 'refused' : 'writing',
    faults,
    startedAt,
  })
}
