import type { TaxItem } from '@taxlink/bank-sdk'
import { ageOf, isOverdue } from '../domain/break-life.ts'
import type { BreakRemedy } from '../domain/break-remedy.ts'
import { type Operator, officesOf, sees } from '../domain/operator.ts'
import { later, shanghaiDate, shanghaiTime } from '../domain/time.ts'
import { issueNotice } from '../flows/adjustments.ts'
import { supplementBreak } from '../flows/break-remedies.ts'
import type { Flow } from '../flows/flow.ts'
import type { Slots } from '../flows/slots.ts'
import type { BreakFilter, BreakView } from '../store/breaks.ts'
import type { Notice } from '../store/notices.ts'
import type { App } from './app.ts'
import { breakOperations } from './break-operations.ts'
import { afterOf, nextOf } from './cursor.ts'
import { operatorIn } from './duties.ts'
import { Refusal } from './problem.ts'

type ById = { readonly id: string }
type Narrowed = Pick<BreakFilter, 'bankCode' | 'officeCode' | 'accountingDate' | 'state' | 'remedy'>
type Query = Narrowed & {
  readonly open: boolean
  readonly minDays?: number
  readonly overdue?: boolean
  readonly cursor?: string
  readonly limit: number
}
const dayMs = 86_400_000

const given = <T>(name: string, value: T | undefined) => (value === undefined ? {} : { [name]: value })
const at = (name: string, time: Date | undefined) => (time ? { [name]: shanghaiTime(time) } : {})

/** A break as JSON. */
const breakJson = (b: BreakView, now: Date) => ({
  id: b.id,
  at: shanghaiTime(b.at),
  ticketNo: b.ticketNo,
  bankCode: b.bankCode,
  officeCode: b.officeCode,
  kind: b.kind,
  source: b.source,
  taxAmount: b.taxAmount,
  bankAmount: b.bankAmount,
  ...given('excess', b.excess),
  reason: b.reason,
  ...given('accountingDate', b.accountingDate),
  ...given('session', b.session),
  state: b.state,
  ...given('remedy', b.remedy),
  ...at('deadline', b.deadline),
  overdue: isOverdue(b.state, b.deadline, now),
  ageDays: ageOf(b.at, now),
  level: b.level,
  ...at('closedAt', b.closedAt),
  ...at('confirmedAt', b.confirmedAt),
})

const noticeJson = (flow: Flow, n: Notice) => ({
  noticeNo: n.noticeNo,
  breakId: n.breakId,
  bankCode: n.bankCode,
  bankName: flow.reference().banks.get(n.bankCode)?.name ?? n.bankCode,
  officeCode: n.officeCode,
  issuingOffice: n.issuingOffice,
  issuingOfficeName: flow.reference().offices.get(n.issuingOffice)?.name ?? n.issuingOffice,
  ticketNo: n.ticketNo,
  entrustDate: n.originalEntrustDate,
  serialNo: n.originalSerialNo,
  ...given('bankSerial', n.bankSerial),
  accountingDate: n.accountingDate,
  taxAmount: n.taxAmount,
  bankAmount: n.bankAmount,
  amount: n.amount,
  cause: n.cause,
  issuedBy: n.issuedBy,
  issuedAt: shanghaiTime(n.issuedAt),
  issuedOn: n.issuedOn,
  dueOn: n.dueOn,
  overdue: n.bookedAt === undefined && shanghaiDate(flow.clock()) > n.dueOn,
  ...at('toldAt', n.toldAt),
  ...given('toldCode', n.toldCode),
  ...at('bookedAt', n.bookedAt),
  ...given('bookedOn', n.bookedDate),
  ...given('bookedSerial', n.bookedSerial),
  ...given('bookedFrom', n.bookedFrom),
  state: n.breakState,
})

const notSo = (zh: string, en: string): Refusal => new Refusal(409, 'not-applicable', { errors: [{ pointer: '', zh, en }] })

/** Binds the operations about breaks to a server. */
export const breakRoutes = (app: App, flow: Flow, slots: Slots): void => {
  /** A break that the operator sees; of any other they learn nothing. */
  const seenBreak = async (operator: Operator, id: string): Promise<BreakView> => {
    const found = await flow.store.findBreak(Number(id))
    if (!found || !sees(flow.reference(), operator, found.officeCode)) throw new Refusal(404, 'not-found')
    return found
  }
  const lifeJson = async (found: BreakView) => {
    const [steps, noticeNo] = await Promise.all([flow.store.breakSteps(found.id), flow.store.notices.noticeOf(found.id)])
    const step = ({ at: when, event, state, actor, reason }: (typeof steps)[number]) => ({
      at: shanghaiTime(when),
      event,
      state,
      actor,
      reason,
    })
    return { ...breakJson(found, flow.clock()), ...given('noticeNo', noticeNo), steps: steps.map(step) }
  }

  app.route<{ Querystring: Query }>({
    ...breakOperations.listBreaks,
    handler: async request => {
      const { cursor, limit, open, minDays, overdue, ...filter } = request.query
      const now = flow.clock()
      const narrowed: BreakFilter = {
        ...filter,
        ...(minDays === undefined ? {} : { before: later(now, -minDays * dayMs) }),
        ...(overdue ? { overdueAt: now } : {}),
      }
      const offices = officesOf(flow.reference(), operatorIn(request))
      const found = await flow.store.breaks(open, afterOf(cursor), limit + 1, offices, narrowed)
      return { breaks: found.slice(0, limit).map(b => breakJson(b, now)), ...nextOf(found, limit, ({ id }) => id) }
    },
  })

  app.route<{ Params: ById }>({
    ...breakOperations.getBreak,
    handler: async request => lifeJson(await seenBreak(operatorIn(request), request.params.id)),
  })

  app.route<{ Params: ById; Body: { readonly orderNo: string; readonly items?: readonly TaxItem[] } }>({
    ...breakOperations.postBreakSupplement,
    handler: async (request, reply) => {
      const operator = operatorIn(request)
      const { id: breakId } = await seenBreak(operator, request.params.id)
      const { orderNo, items } = request.body
      const said = await supplementBreak(flow, slots, { breakId, orderNo, items }, operator.uri)
      if (said.kind === 'items')
        throw new Refusal(422, 'invalid-request', {
          errors: [{ pointer: '/items', zh: '有多个税目,须写明补哪些', en: 'there are several items: say which are supplemented' }],
        })
      if (said.kind === 'at-the-bank')
        throw notSo(
          '经查询,银行答复该笔已扣款(可能记在次一会计日),不得补划;待下一场对账,仍不符的请银行书面答复',
          'asked, the bank says that it has this debit, under its next day perhaps: it is not debited again; wait for the next session, then ask in writing',
        )
      if (said.kind === 'unclear')
        throw notSo('银行未能答复该笔是否已扣款,请稍后再试', 'the bank did not say whether it has this debit: try again later')
      if (said.kind !== 'ordered')
        throw notSo('该单边账的处理方式不是补充划缴,或已在处理', 'its remedy is no supplementary debit, or it is under way')
      if (said.verdict.kind === 'repeated') reply.header('idempotency-replayed', 'true')
      else reply.code(202)
      const [view] = said.instructionId === undefined ? [] : await flow.store.findInstructions([said.instructionId])
      return { breakId, orderNo, state: view?.state ?? 'accepted' }
    },
  })

  app.route<{ Params: ById; Body: { readonly remedy: BreakRemedy; readonly reason: string } }>({
    ...breakOperations.chooseBreakRemedy,
    handler: async request => {
      const operator = operatorIn(request)
      const found = await seenBreak(operator, request.params.id)
      const { remedy, reason } = request.body
      const isOpen = found.state === 'failed' || (found.state === 'chosen' && found.remedy === 'investigate')
      const isTooMuch = (found.excess ?? 0) > 0
      const fits = remedy === 'notice' || remedy === 'persons' ? isTooMuch : (found.excess ?? 0) < 0
      if (!isOpen || !fits) throw notSo('该单边账不能这样处理', 'this break cannot be remedied so')
      const by = { now: flow.clock(), actor: operator.uri }
      if (!(await flow.store.breakLife.stepBreak(found.id, 'choose', reason, { remedy, remedyBy: null }, by)))
        throw notSo('该单边账的状态已变', 'the break does not stand so any more')
      return lifeJson(await seenBreak(operator, request.params.id))
    },
  })

  app.route<{ Body: { readonly breakId: number } }>({
    ...breakOperations.postNotice,
    handler: async (request, reply) => {
      const operator = operatorIn(request)
      // art. 35(1): 由各县(市、区)国税局计统部门提供.
      if (operator.level !== 'county') throw new Refusal(403, 'not-permitted')
      const { id } = await seenBreak(operator, String(request.body.breakId))
      const issued = await issueNotice(flow, id, operator)
      if (issued.kind === 'absent') throw new Refusal(404, 'not-found')
      if (issued.kind === 'unfit')
        throw notSo('该单边账的处理方式不是《调账通知单》', 'its remedy is no adjustment notice, or it is under way otherwise')
      const notice = await flow.store.notices.findNotice(issued.noticeNo)
      if (!notice) throw new Refusal(500, 'internal')
      if (issued.kind === 'repeated') reply.header('idempotency-replayed', 'true')
      else reply.code(201).header('location', `/v1/adjustment-notices/${issued.noticeNo}`)
      return noticeJson(flow, notice)
    },
  })

  app.route<{ Querystring: { readonly bankCode?: string; readonly open?: boolean; readonly after?: string; readonly limit: number } }>({
    ...breakOperations.listNotices,
    handler: async request => {
      const { after, limit, ...filter } = request.query
      const offices = officesOf(flow.reference(), operatorIn(request))
      const found = await flow.store.notices.notices({ ...filter, offices }, after, limit + 1)
      const shown = found.slice(0, limit)
      return { notices: shown.map(n => noticeJson(flow, n)), ...(found.length > limit ? { next: shown.at(-1)!.noticeNo } : {}) }
    },
  })

  app.route<{ Params: { readonly noticeNo: string } }>({
    ...breakOperations.getNotice,
    handler: async request => {
      const notice = await flow.store.notices.findNotice(request.params.noticeNo)
      if (!notice || !sees(flow.reference(), operatorIn(request), notice.officeCode)) throw new Refusal(404, 'not-found')
      return noticeJson(flow, notice)
    },
  })
}
