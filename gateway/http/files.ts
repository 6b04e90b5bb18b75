import type { IncomingMessage } from 'node:http'
import { type FileFault, fileFault } from '../domain/file-fault.ts'
import { sees } from '../domain/operator.ts'
import { shanghaiTime } from '../domain/time.ts'
import { detailOf } from '../flows/detail-file.ts'
import { askForFile, type FileRequestOrder } from '../flows/file-request.ts'
import type { Flow } from '../flows/flow.ts'
import { type FileBounds, NoRoom, takeIn } from '../flows/intake.ts'
import { receiptOf } from '../flows/receipt.ts'
import { openSlots } from '../flows/slots.ts'
import type { FileRequest } from '../store/file-requests.ts'
import type { FileFilter, FileView } from '../store/files.ts'
import type { Spool } from '../store/spool.ts'
import type { App, Reply, Request } from './app.ts'
import { afterOf, nextOf } from './cursor.ts'
import { operatorIn } from './duties.ts'
import { fileOperations } from './file-operations.ts'
import { notApplicable } from './operator.ts'
import { Refusal, retryAfter } from './problem.ts'
import { preferredWait } from './waiters.ts'

/** Where uploads lie, and how much may come. */
export type FileDeps = {
  readonly flow: Flow
  readonly spool: Spool
  readonly bounds: FileBounds
  readonly resting: (request: Request) => void
}

/** The most uploads that one process takes at once: a disk and a line are shared with debits. Half of them are the most of one bank. */
const atOnce = 4
const ofBank = 2
const pollMs = 250
/** A disk is not cleared, nor a day over, in a second. */
const noRoomSeconds = '600'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its body is a file, taken as it comes. */
    files?: boolean
  }
}

/** Leaves the bytes of a file in the stream, on the one route that takes files. */
export const fileBodies = (app: App): void => {
  app.addContentTypeParser('application/octet-stream', (request, payload, done) => {
    if (request.routeOptions.config.files) done(null, payload)
    else done(new Refusal(415, 'unsupported', { detail: 'only application/json in UTF-8' }))
  })
}

type Paged = { readonly cursor?: string; readonly limit: number }
type Named = { readonly name: string }

/** Binds the operations of reconciliation files to a server. */
export const fileRoutes = (app: App, deps: FileDeps): void => {
  const { flow } = deps
  const uploads = openSlots(0)
  const all = 'all'
  const begin = (bankCode: string): boolean => {
    if (!uploads.tryTake(all, atOnce)) return false
    if (uploads.tryTake(bankCode, ofBank)) return true
    uploads.release(all)
    return false
  }
  const end = (bankCode: string): void => {
    uploads.release(bankCode)
    uploads.release(all)
  }

  app.route<{ Params: Named; Body: IncomingMessage }>({
    ...fileOperations.putFile,
    handler: async (request, reply) => {
      const bankCode = bankOf(flow, request)
      if (!begin(bankCode)) throw new Refusal(503, 'overloaded', { headers: { ...retryAfter, connection: 'close' } })
      const taken = await take(deps, request, bankCode).finally(() => end(bankCode))
      const file = await waited(deps, request, reply, taken)
      return reply.code(file.state === 'complete' || file.state === 'superseded' ? 200 : 202).send(receiptOf(file))
    },
  })

  app.route<{ Params: Named }>({
    ...fileOperations.getFile,
    handler: async request => {
      const found = await flow.store.files.findByName(bankOf(flow, request), request.params.name)
      if (!found) throw new Refusal(404, 'not-found')
      return receiptOf(found)
    },
  })

  app.route<{ Querystring: Paged & FileFilter }>({
    ...fileOperations.listFiles,
    handler: async request => {
      ofProvince(flow, request)
      const { cursor, limit, ...filter } = request.query
      const found = await flow.store.files.list(filter, afterOf(cursor), limit + 1)
      return { files: found.slice(0, limit).map(file => ({ id: file.id, ...receiptOf(file) })), ...nextOf(found, limit, ({ id }) => id) }
    },
  })

  app.route<{ Body: FileRequestOrder }>({
    ...fileOperations.postFileRequest,
    handler: async (request, reply) => {
      ofProvince(flow, request)
      const asked = await askForFile(flow, operatorIn(request).uri, request.body, flow.clock())
      if (!asked) throw new Refusal(404, 'not-found')
      switch (asked.kind) {
        case 'nothing-there':
          throw notApplicable({ zh: '该场次还没有收到过文件', en: 'no file of this session has come yet' })
        case 'asked-already':
          throw notApplicable({ zh: '已经请求过,文件还没有送到', en: 'it was asked for already and has not come yet' })
        case 'none-left':
          throw notApplicable({
            zh: '该场次的文件已重发 99 次,不能再请求;请另开一场对账',
            en: 'the file of this session has been asked for 99 times, and no more: open another session',
          })
        case 'differs':
          throw new Refusal(409, 'content-differs')
        case 'repeated':
          reply.header('idempotency-replayed', 'true')
          return requestJson(asked.request)
        case 'asked':
          reply.code(201)
          return requestJson(asked.request)
      }
    },
  })

  app.route<{ Querystring: Paged & { readonly bankCode?: string } }>({
    ...fileOperations.listFileRequests,
    handler: async request => {
      ofProvince(flow, request)
      const { cursor, limit, ...filter } = request.query
      const found = await flow.store.fileRequests.list(filter, afterOf(cursor), limit + 1)
      return { requests: found.slice(0, limit).map(requestJson), ...nextOf(found, limit, ({ id }) => id) }
    },
  })
}

/** A bank's file is about all offices: it is the province's. */
const ofProvince = (flow: Flow, request: Request): void => {
  if (!sees(flow.reference(), operatorIn(request), undefined)) throw new Refusal(403, 'not-permitted')
}

/** The bank whose certificate calls, whatever its dialect, if it has files. */
const bankOf = (flow: Flow, { identity }: Pick<Request, 'identity'>): string => {
  const code = identity?.uri.split(':').at(-1) ?? ''
  if (!flow.reference().banks.has(code) || !detailOf(code)) throw new Refusal(403, 'not-permitted')
  return code
}

const take = async (
  { flow, spool, bounds }: FileDeps,
  request: Request<{ Params: Named; Body: IncomingMessage }>,
  bankCode: string,
): Promise<{ readonly kind: string; readonly file: FileView }> => {
  const { 'content-encoding': encoding = 'identity', 'content-length': length } = request.headers
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new Refusal(415, 'unsupported', { detail: 'only gzip, or no content coding', headers: { connection: 'close' } })
  const size = length === undefined ? {} : { size: Number(length) }
  const offered = { bankCode, name: request.params.name, cameBy: 'upload' as const, gzip: encoding === 'gzip', body: request.body, ...size }
  try {
    return await takeIn(flow, spool, offered, bounds)
  } catch (error) {
    if (!(error instanceof NoRoom)) throw error
    flow.note({ event: 'trouble', bankCode, detail: `no room for its files: ${error.message}` })
    throw new Refusal(507, 'no-room', { headers: { 'retry-after': noRoomSeconds, connection: 'close' } })
  }
}

/** Waits for the check as long as preferred; what is refused is told as a problem, with its place. */
const waited = async (
  { flow, resting }: FileDeps,
  request: Request,
  reply: Reply,
  { kind, file: taken }: { readonly kind: string; readonly file: FileView },
): Promise<FileView> => {
  if (kind === 'repeated') reply.header('idempotency-replayed', 'true')
  const seconds = preferredWait(request.headers.prefer)
  let file = taken
  if (seconds !== undefined) {
    reply.header('preference-applied', `wait=${seconds}`)
    resting(request)
    const until = performance.now() + seconds * 1_000
    while ((file.state === 'received' || file.state === 'checked') && performance.now() < until && !reply.raw.closed) {
      await flow.pause(pollMs)
      file = (await flow.store.files.find(file.id)) ?? file
    }
  }
  if (file.fault) throw refusalOfFile(file.fault, kind === 'repeated')
  if (file.state === 'received' || file.state === 'checked') reply.header('location', `/v1/reconciliation-files/${file.name}`)
  return file
}

/** A refused file as a problem: its rule, and where. What remains of its bytes is not waited for. */
const refusalOfFile = ({ code, zh, en, detail, line, byte }: FileFault, repeated: boolean): Refusal => {
  const place = { pointer: '', zh, en, ...(line === undefined ? {} : { line }), ...(byte === undefined ? {} : { offset: byte }) }
  const headers = { connection: 'close', ...(repeated ? { 'idempotency-replayed': 'true' } : {}) }
  const more = { detail: detail === undefined ? code : `${code}: ${detail}`, errors: [place], headers }
  if (code === fileFault('too-large').code) return new Refusal(413, 'too-large', more)
  return code === fileFault('content-differs').code ? new Refusal(409, 'content-differs', more) : new Refusal(422, 'invalid-request', more)
}

const requestJson = ({ id, orderNo, bankCode, accountingDate, session, version, kind, reason, askedBy, askedAt, code }: FileRequest) => ({
  id,
  orderNo,
  bankCode,
  accountingDate,
  session,
  version,
  kind,
  reason,
  askedBy,
  askedAt: shanghaiTime(askedAt),
  ...(code === undefined ? {} : { code }),
})
