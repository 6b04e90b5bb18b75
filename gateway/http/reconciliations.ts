import { bookingVerbs, type Totals } from '../domain/booking.ts'
import { officesOf, sees } from '../domain/operator.ts'
import type { DifferenceType } from '../domain/reconcile.ts'
import { highestSession, type SessionKind, type SessionState, sessionMachine } from '../domain/session.ts'
import { dayHasEnded, isNearDay, shanghaiDate, shanghaiTime } from '../domain/time.ts'
import type { Flow } from '../flows/flow.ts'
import type { DifferenceView, SessionKey } from '../store/differences.ts'
import type { SessionView } from '../store/reconciliations.ts'
import type { App, Request } from './app.ts'
import { afterOf, nextOf } from './cursor.ts'
import { operatorIn } from './duties.ts'
import { notApplicable } from './operator.ts'
import { Refusal } from './problem.ts'
import { reconciliationOperations } from './reconciliation-operations.ts'
import type { SessionOrder } from './reconciliation-schemas.ts'

type Paged = { readonly cursor?: string; readonly limit: number }
type Named = { readonly bankCode: string; readonly accountingDate: string; readonly session: string }

/** Binds the operations of sessions to a server. */
export const reconciliationRoutes = (app: App, flow: Flow): void => {
  const { reconciliations, differences } = flow.store

  app.route<{ Body: SessionOrder }>({
    ...reconciliationOperations.postReconciliation,
    handler: async (request, reply) => {
      ofProvince(flow, request)
      const { bankCode, accountingDate, kind, reason } = request.body
      const policy = flow.reference().banks.get(bankCode)?.policy
      if (!policy) throw new Refusal(404, 'not-found')
      const now = flow.clock()
      if (!isNearDay(accountingDate, now)) throw notApplicable({ zh: '会计日期还远', en: 'the accounting date is far off' })
      if (kind === 'day-end' && !dayHasEnded(accountingDate, policy.dayEnd, flow.accountingDate(bankCode), now))
        throw notApplicable({ zh: '该会计日尚未日终', en: 'the bank day has not ended yet' })
      const before = await reconciliations.list({ bankCode, accountingDate, kind }, undefined, 100)
      const underWay = before.findLast(isUnderWay)
      if (underWay) {
        reply.header('idempotency-replayed', 'true')
        return sessionJson(underWay)
      }
      const opening = { bankCode, accountingDate, kind, reason, workDate: shanghaiDate(now), openedBy: operatorIn(request).uri, now }
      const opened = await reconciliations.open(opening)
      if (!opened)
        throw notApplicable({
          zh: `该会计日此类场次至多编到第 ${highestSession[kind]} 场,已无号可用`,
          en: `sessions of this kind have numbers up to ${highestSession[kind]} within a bank day, and none is left`,
        })
      reply.code(201)
      return sessionJson(opened)
    },
  })

  app.route<{ Querystring: Paged & { bankCode?: string; accountingDate?: string; kind?: SessionKind; state?: SessionState } }>({
    ...reconciliationOperations.listReconciliations,
    handler: async request => {
      ofProvince(flow, request)
      const { cursor, limit, ...filter } = request.query
      const found = await reconciliations.list(filter, sessionAfter(cursor), limit + 1)
      const last = found[limit - 1]
      const next = found.length > limit && last ? { next: cursorAt(last) } : {}
      return { reconciliations: found.slice(0, limit).map(sessionJson), ...next }
    },
  })

  app.route<{ Params: Named }>({
    ...reconciliationOperations.getReconciliation,
    handler: async request => {
      ofProvince(flow, request)
      return sessionJson(await sessionOf(flow, request.params))
    },
  })

  app.route<{ Params: Named; Querystring: Paged & { readonly type?: DifferenceType } }>({
    ...reconciliationOperations.listDifferences,
    handler: async request => {
      const { cursor, limit, type } = request.query
      const { bankCode, accountingDate, session } = await sessionOf(flow, request.params)
      const offices = officesOf(flow.reference(), operatorIn(request))
      const at = { bankCode, accountingDate, session }
      const found = await differences.list({ ...at, type, offices }, { ...at, ordinal: afterOf(cursor) }, limit + 1)
      return { differences: found.slice(0, limit).map(differenceJson), ...nextOf(found, limit, ({ ordinal }) => ordinal) }
    },
  })
}

/** One whose file was refused, and whose bank stands by it, waits for ever: another may take its place, with the bookings of now. */
const isUnderWay = ({ state, fileFault }: SessionView): boolean =>
  !sessionMachine.isFinal(state) && state !== 'differing' && !(state === 'awaited' && fileFault !== undefined)

/** Totals are about all offices: they are the province's. */
const ofProvince = (flow: Flow, request: Request): void => {
  if (!sees(flow.reference(), operatorIn(request), undefined)) throw new Refusal(403, 'not-permitted')
}

const sessionOf = async (flow: Flow, { bankCode, accountingDate, session }: Named): Promise<SessionView> => {
  const found = await flow.store.reconciliations.find({ bankCode, accountingDate, session: Number(session) })
  if (!found) throw new Refusal(404, 'not-found')
  return found
}

/** The cursor behind a session; opaque, as all. */
const cursorAt = ({ bankCode, accountingDate, session }: SessionKey): string =>
  Buffer.from(`${accountingDate.replaceAll('-', '')}${bankCode}${session}`).toString('base64url')
const sessionAfter = (cursor: string | undefined): SessionKey | undefined => {
  if (cursor === undefined) return undefined
  const found = /^(\d{4})(\d{2})(\d{2})(\d{4})(\d{1,2})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (found) {
    const [, year, month, date, bankCode = '', session] = found
    return { accountingDate: `${year}-${month}-${date}`, bankCode, session: Number(session) }
  }
  throw new Refusal(400, 'invalid-request', {
    errors: [{ pointer: '/cursor', zh: '不是本接口给出的游标', en: 'not a cursor of this interface' }],
  })
}

const totalsJson = (totals: Totals) =>
  Object.fromEntries(
    bookingVerbs.flatMap(verb => {
      const total = totals[verb]
      return total ? [[verb, { entries: total.entries, amount: Number(total.amount) }]] : []
    }),
  )

/** What is there, and nothing of what is not. */
const present = <T extends object>(fields: T): { [F in keyof T]?: Exclude<T[F], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [F in keyof T]?: Exclude<T[F], undefined> }

const sessionJson = (view: SessionView) => {
  const { bankCode, accountingDate, session, workDate, kind, state, openedBy, openedAt, reason, totals, bankTotals, matchedAt, counts } =
    view
  const { doubts, totalsCode, fileFault, equalEntries } = view
  return {
    bankCode,
    accountingDate,
    session,
    workDate,
    kind,
    state,
    openedBy,
    openedAt: shanghaiTime(openedAt),
    reason,
    ...present({
      doubts,
      totals: totals && totalsJson(totals),
      bankTotals: bankTotals && totalsJson(bankTotals),
      totalsCode,
      fileFault,
      equalEntries,
      differences: counts,
      matchedAt: matchedAt && shanghaiTime(matchedAt),
    }),
  }
}

const differenceJson = ({ ordinal, type, officeCode, entrustDate, serialNo, verb, ticketNo, ...rest }: DifferenceView) => {
  const { taxAmount, bankAmount, bankEntries, detail, bankSerial, lineNo, breakId } = rest
  const named = { ordinal, type, officeCode, entrustDate, serialNo, verb, ticketNo, taxAmount, bankAmount, bankEntries, detail }
  return { ...named, ...present({ bankSerial, lineNo, breakId }) }
}
