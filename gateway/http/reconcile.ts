import { bookingVerbs, type Totals } from '../domain/booking.ts'
import { officesOf, sees } from '../domain/operator.ts'
import type { DifferenceType } from '../domain/reconcile.ts'
import type { SessionKind, SessionState } from '../domain/session.ts'
import { shanghaiTime } from '../domain/time.ts'
import type { Flow } from '../flows/flow.ts'
import { openSession, type SessionOrder } from '../flows/session-order.ts'
import type { DifferenceView, SessionKey } from '../store/differences.ts'
import type { SessionView } from '../store/reconciliations.ts'
import type { App, Request } from './app.ts'
import { operatorIn } from './duties.ts'
import { notApplicable } from './operator.ts'
import { Refusal } from './problem.ts'
import { reconcileOperations } from './reconcile-operations.ts'

type Paged = { readonly cursor?: string; readonly limit: number }
type ByDay = { readonly bankCode?: string; readonly accountingDate?: string }

/** Binds the operations of sessions to a server. */
export const reconcileRoutes = (app: App, flow: Flow): void => {
  app.route<{ Body: SessionOrder }>({
    ...reconcileOperations.openSession,
    handler: async (request, reply) => {
      ofProvince(flow, request)
      const said = await openSession(flow, operatorIn(request).uri, request.body, flow.clock())
      if (said.kind === 'absent') throw new Refusal(404, 'not-found')
      if (said.kind === 'day-ahead') throw notApplicable({ zh: '会计日期尚未到', en: 'the accounting day has not come' })
      if (said.kind === 'repeated') reply.header('idempotency-replayed', 'true')
      else reply.code(201).header('location', `/v1/reconciliations?bankCode=${said.session.bankCode}`)
      return sessionJson(said.session)
    },
  })

  app.route<{ Querystring: Paged & ByDay & { readonly kind?: SessionKind; readonly state?: SessionState } }>({
    ...reconcileOperations.listSessions,
    handler: async request => {
      ofProvince(flow, request)
      const { cursor, limit, ...filter } = request.query
      const found = await flow.store.reconciliations.list(filter, keyIn(cursor, 0), limit + 1)
      return { reconciliations: found.slice(0, limit).map(sessionJson), ...nextBehind(found, limit, () => 0) }
    },
  })

  app.route<{ Querystring: Paged & ByDay & { readonly session?: number; readonly type?: DifferenceType } }>({
    ...reconcileOperations.listDifferences,
    handler: async request => {
      const { cursor, limit, ...filter } = request.query
      const offices = officesOf(flow.reference(), operatorIn(request))
      const found = await flow.store.differences.list({ ...filter, offices }, keyIn(cursor, 1), limit + 1)
      return { differences: found.slice(0, limit).map(differenceJson), ...nextBehind(found, limit, ({ ordinal }) => ordinal) }
    },
  })
}

/** A session is about all offices of a bank: it is the province's. */
const ofProvince = (flow: Flow, request: Request): void => {
  if (!sees(flow.reference(), operatorIn(request), undefined)) throw new Refusal(403, 'not-permitted')
}

const keyForm = /^([0-9]{4})([0-9]{4}-[0-9]{2}-[0-9]{2})s([0-9]{1,4})n([0-9]{1,9})$/
/** The key that a cursor stands behind, with the ordinal within its session; `least` is the least there can be. */
const keyIn = (cursor: string | undefined, least: number): (SessionKey & { readonly ordinal: number }) | undefined => {
  if (cursor === undefined) return undefined
  const [, bankCode, accountingDate, session, ordinal] = keyForm.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? []
  if (bankCode !== undefined && accountingDate !== undefined && Number(ordinal) >= least)
    return { bankCode, accountingDate, session: Number(session), ordinal: Number(ordinal) }
  throw new Refusal(400, 'invalid-request', {
    errors: [{ pointer: '/cursor', zh: '不是本接口给出的游标', en: 'not a cursor of this interface' }],
  })
}
const nextBehind = <T extends SessionKey>(found: readonly T[], limit: number, ordinalOf: (row: T) => number): { next?: string } => {
  const last = found[limit - 1]
  if (found.length <= limit || !last) return {}
  const { bankCode, accountingDate, session } = last
  return { next: Buffer.from(`${bankCode}${accountingDate}s${session}n${ordinalOf(last)}`).toString('base64url') }
}

const totalsJson = (totals: Totals) =>
  Object.fromEntries(
    bookingVerbs.flatMap(verb => {
      const total = totals[verb]
      return total ? [[verb, { count: total.entries, amount: Number(total.amount) }] as const] : []
    }),
  )
const given = <T>(name: string, value: T | undefined) => (value === undefined ? {} : { [name]: value })

const sessionJson = (view: SessionView) => ({
  bankCode: view.bankCode,
  accountingDate: view.accountingDate,
  session: view.session,
  workDate: view.workDate,
  kind: view.kind,
  state: view.state,
  openedBy: view.openedBy,
  reason: view.reason,
  openedAt: shanghaiTime(view.openedAt),
  ...given('doubts', view.doubts),
  ...given('totals', view.totals && totalsJson(view.totals)),
  ...given('bankTotals', view.bankTotals && totalsJson(view.bankTotals)),
  ...given('totalsCode', view.totalsCode),
  ...given('fileFault', view.fileFault),
  ...given('equal', view.equalEntries),
  ...given('counts', view.counts),
  ...given('doneAt', view.doneAt && shanghaiTime(view.doneAt)),
})

const differenceJson = (view: DifferenceView) => ({
  bankCode: view.bankCode,
  accountingDate: view.accountingDate,
  session: view.session,
  ordinal: view.ordinal,
  type: view.type,
  officeCode: view.officeCode,
  entrustDate: view.entrustDate,
  serialNo: view.serialNo,
  verb: view.verb,
  ticketNo: view.ticketNo,
  taxAmount: view.taxAmount,
  bankAmount: view.bankAmount,
  bankEntries: view.bankEntries,
  ...given('bankSerial', view.bankSerial),
  ...given('line', view.lineNo),
  ...given('breakId', view.breakId),
  detail: view.detail,
})
