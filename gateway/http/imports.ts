import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Fault, faults as faultTexts, objectSchema, parseJson } from '@taxlink/bank-sdk'
import { shanghaiTime } from '../domain/time.ts'
import type { Flow } from '../flows/flow.ts'
import { checkFile, type ImportFile, type ImportLine, type ImportRow, importRow, mostRows, writeFile } from '../flows/import.ts'
import type { ImportView } from '../store/agreement-imports.ts'
import { agreementOperations } from './agreement-operations.ts'
import type { App, Reply, Request } from './app.ts'
import { bodyLimits } from './body.ts'
import { Refusal, retryAfter } from './problem.ts'
import { caller, refuse, type TaxDeps } from './tax.ts'
import { bodyCheck, placeErrors } from './validate.ts'

const rowCheck = bodyCheck<ImportRow>({ $id: 'ImportRow', ...objectSchema(importRow.fields) })
const limits = { bytes: bodyLimits.single, depth: 3, nodes: 100 } as const
const newline = 0x0a

/** A file that was taken, and lies where nobody else finds it until it is closed. */
export type Spooled = ImportFile & { close(): Promise<void> }

/**
 * Takes a file as it comes, hashed and cut into lines on the way: into a file that has lost its name at once, so that memory holds no more of it than the
 * places of its lines, and nothing of it outlives the process.
 */
export const spool = async (parts: AsyncIterable<Buffer>): Promise<Spooled> => {
  const path = join(tmpdir(), `taxlink-import-${randomUUID()}`)
  const handle = await open(path, 'wx+', 0o600)
  try {
    await unlink(path)
    const digest = createHash('sha256')
    const lines = openLines()
    let size = 0
    for await (const part of parts) {
      if (size + part.length > bodyLimits.file) throw new Refusal(413, 'too-large', { headers: { connection: 'close' } })
      digest.update(part)
      lines.take(part, size)
      await handle.appendFile(part)
      size += part.length
    }
    lines.end(size)
    return {
      sha256: digest.digest(),
      rows: lines.starts.length,
      read: async (from, count) => {
        const begin = lines.starts[from] ?? 0
        const bytes = await bytesOf(handle, begin, lines.ends[from + count - 1] ?? begin)
        return Array.from({ length: count }, (_, k) =>
          lineOf(bytes.subarray(lines.starts[from + k]! - begin, lines.ends[from + k]! - begin)),
        )
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Where the lines of a file begin and end that are not blank; no more are kept than a file may have, and one. */
const openLines = () => {
  const [starts, ends]: [number[], number[]] = [[], []]
  let begin = 0
  let solid = false
  const end = (at: number): void => {
    if (solid && starts.length <= mostRows) {
      starts.push(begin)
      ends.push(at)
    }
    begin = at + 1
    solid = false
  }
  const take = (part: Buffer, offset: number): void => {
    for (let at = 0; at < part.length; ) {
      const found = part.indexOf(newline, at)
      const stop = found < 0 ? part.length : found
      solid ||= part.subarray(at, stop).some(byte => byte > 0x20)
      if (found >= 0) end(offset + found)
      at = stop + 1
    }
  }
  return { starts, ends, take, end }
}

const bytesOf = async (handle: FileHandle, from: number, to: number): Promise<Buffer> => {
  const bytes = Buffer.allocUnsafe(to - from)
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, from + at)
    if (bytesRead === 0) throw new Error('a file that was taken has become shorter')
    at += bytesRead
  }
  return bytes
}

const lineOf = (bytes: Buffer): ImportLine => {
  try {
    const value = parseJson(bytes, limits)
    if (rowCheck(value)) return { row: value }
    return { faults: placeErrors(rowCheck.errors).map(({ pointer, zh, en }) => ({ pointer, code: 'invalid-request', zh, en })) }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const { zh, en } = faultTexts[error.fault]
    return { faults: [{ pointer: error.at.field === undefined ? '' : `/${error.at.field}`, code: error.fault, zh, en }] }
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

/** Takes files of lines, on the one route that is for them: its handler reads them as they come. */
export const lineBodies = (app: App): void => {
  app.addContentTypeParser('application/x-ndjson', (request: Request, payload: IncomingMessage, done) => {
    if (request.routeOptions.url === agreementOperations.postImport.url) done(null, payload)
    else done(new Refusal(415, 'unsupported', { detail: 'only application/json in UTF-8' }))
  })
}

/** Binds the imports to a server. */
export const importRoutes = (app: App, { flow }: Pick<TaxDeps, 'flow'>): void => {
  /** The one import that this process is busy with. */
  let busy: string | undefined
  const write = (begun: ImportView, file: Spooled): void => {
    void writeFile(flow, begun, file)
      .catch((error: unknown) => flow.note({ event: 'trouble', detail: `import ${begun.id}: ${String(error)}` }))
      .finally(() => {
        busy = undefined
        void file.close()
      })
  }
  /** Takes the file, and what stands in the record under its number; true: it is being written, and will be closed. */
  const take = async (request: Request, reply: Reply, importNo: string, file: Spooled): Promise<boolean> => {
    const taxSystem = caller(request)
    const key = `${taxSystem}/${importNo}`
    const before = await flow.store.agreements.findImport(taxSystem, importNo)
    const accepted = before && before.state !== 'refused' ? before : undefined
    if (accepted && !accepted.sha256.equals(file.sha256)) throw differs(accepted, file)
    if (accepted?.state === 'done') {
      reply.header('idempotency-replayed', 'true').send(importJson(accepted))
      return false
    }
    const running = accepted !== undefined && busy === key
    if (!running && busy !== undefined) throw new Refusal(503, 'overloaded', { headers: retryAfter })
    reply.header('location', `/v1/agreement-imports/${importNo}`)
    if (running) {
      reply.code(202).send(importJson(accepted))
      return false
    }
    busy = key
    try {
      const begun = accepted ?? (await beginning(flow, taxSystem, importNo, file))
      if (begun.state !== 'refused' && !begun.sha256.equals(file.sha256)) throw differs(begun, file)
      if (begun.state === 'refused') {
        busy = undefined
        reply.send(importJson(begun))
        return false
      }
      write(begun, file)
      reply.code(202).send(importJson(begun))
      return true
    } catch (error) {
      busy = undefined
      throw error
    }
  }

  app.route<{ Params: { importNo: string }; Body: Readable }>({
    ...agreementOperations.postImport,
    handler: async (request, reply) => {
      if (!(request.body instanceof Readable)) throw new Refusal(415, 'unsupported', { detail: 'only application/x-ndjson in UTF-8' })
      const { importNo } = request.params
      // Another is being written: nothing of this one is taken in vain.
      if (busy !== undefined && busy !== `${caller(request)}/${importNo}`)
        throw new Refusal(503, 'overloaded', { headers: { ...retryAfter, connection: 'close' } })
      const file = await spool(request.body)
      let kept = false
      try {
        kept = await take(request, reply, importNo, file)
        return reply
      } finally {
        if (!kept) await file.close()
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
