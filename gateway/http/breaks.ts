import type { TaxItem } from '@taxlink/bank-sdk'
import { ageOf, breakMachine, isOverdue } from '../domain/break-life.ts'
import type { BreakRemedy } from '../domain/break-remedy.ts'
import { type Operator, officesOf, sees } from '../domain/operator.ts'
import { later, shanghaiDate, shanghaiTime } from '../domain/time.ts'
import { issueNotice, tellNoticeAgain } from '../flows/adjustments.ts'
import { supplementBreak } from '../flows/break-remedies.ts'
import type { Flow } from '../flows/flow.ts'
import type { Slots } from '../flows/slots.ts'
import type { HeldBreak } from '../store/break-steps.ts'
import type { BreakFilter, BreakView } from '../store/breaks.ts'
import type { Notice } from '../store/notices.ts'
import type { App } from './app.ts'
import { breakOperations } from './break-operations.ts'
import { afterOf, nextOf } from './cursor.ts'
import { operatorIn } from './duties.ts'
import { notSupplemented } from './further.ts'
import { mustBeTimely, Refusal } from './problem.ts'

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
  overdue: n.bookedAt === undefined && !breakMachine.isFinal(n.breakState) && shanghaiDate(flow.clock()) > n.dueOn,
  ...at('toldAt', n.toldAt),
  ...given('toldCode', n.toldCode),
  ...at('bookedAt', n.bookedAt),
  ...given('bookedOn', n.bookedDate),
  ...given('bookedSerial', n.bookedSerial),
  ...given('bookedFrom', n.bookedFrom),
  state: n.breakState,
})

/**
 * Which remedy a person may find for a break that was to be investigated, or whose remedy failed: one that goes the right way. What the record does not have
 * as debited two persons decide about (art. 35), unless they have: its notice was issued already.
 */
const mayChoose = ({ state, remedy: now, excess, kind }: HeldBreak, remedy: BreakRemedy): boolean => {
  if (state !== 'failed' && !(state === 'chosen' && now === 'investigate')) return false
  const surplus = excess ?? 0
  if (remedy === 'explained') return surplus === 0
  if (remedy === 'persons') return surplus > 0
  if (remedy === 'notice') return surplus > 0 && (kind !== 'bank-only' || (state === 'failed' && now === 'notice'))
  return surplus < 0
}

/** Why no notice goes to the bank, by the calendar or by what the bank itself says. */
const notNoticed = (kind: 'undated' | 'at-the-bank' | 'unclear'): Refusal => {
  if (kind === 'undated')
    return notSo(
      '节假日表没有次年的数据,定不出调回期限:先在基础资料的 calendar 中补上',
      'the filing calendar lacks the year that says until when: load it with the reference data first',
    )
  return kind === 'at-the-bank'
    ? notSo(
        '经查询,银行答复该笔冲正已办理(可能记在次一会计日),不开通知单;待下一场对账',
        'asked, the bank says that it has made this reversal, under its next day perhaps: no notice; wait for the next session',
      )
    : notSo(
        '尚不能确定银行没有办这笔冲正(银行未能答复,或仍在静默期内),请稍后再试',
        'it is not certain yet that the bank lacks this reversal (it did not say, or its quiescence window is open): try again later',
      )
}

const notSo = (zh: string, en: string): Refusal => new Refusal(409, 'not-applicable', { errors: [{ pointer: '', zh, en }] })

/** Binds the operations about breaks to a server. */
export const breakRoutes = (app: App, flow: Flow, slots: Slots): void => {
  /** A break that the operator sees; of any other they learn nothing. */
  const seenBreak = async (operator: Operator, id: string): Promise<BreakView> => {
    const found = await flow.store.findBreak(Number(id))
    if (!found || !sees(flow.reference(), operator, found.officeCode)) throw new Refusal(404, 'not-found')
    return found
  }
  const seenNotice = async (operator: Operator, noticeNo: string): Promise<Notice> => {
    const notice = await flow.store.notices.findNotice(noticeNo)
    if (!notice || !sees(flow.reference(), operator, notice.officeCode)) throw new Refusal(404, 'not-found')
    return notice
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
      mustBeTimely(flow)
      const operator = operatorIn(request)
      const { id: breakId } = await seenBreak(operator, request.params.id)
      const { orderNo, items } = request.body
      const said = await supplementBreak(flow, slots, { breakId, orderNo, items }, operator.uri)
      if (said.kind === 'items')
        throw new Refusal(422, 'invalid-request', {
          errors: [{ pointer: '/items', zh: '有多个税目,须写明补哪些', en: 'there are several items: say which are supplemented' }],
        })
      if (said.kind === 'at-the-bank' || said.kind === 'unclear') throw notSupplemented(said.kind)
      if (said.kind === 'otherwise')
        throw notSo(
          '按各场对账与其后的变动,这笔差额已不存在或已在处理,不再补划;待下一场对账',
          'by the sessions and what has moved since so much is not missing any more: it is not debited; wait for the next session',
        )
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
      const by = { now: flow.clock(), actor: operator.uri }
      // 查明: nothing is to be moved, and why; that is the end of it, but for the next session.
      const steps = remedy === 'explained' ? (['choose', 'begin', 'remedy'] as const) : (['choose'] as const)
      const change = { remedy, remedyBy: null, closedWith: 'explained' }
      const isStill = (held: HeldBreak): boolean => mayChoose(held, remedy)
      if (!(await flow.store.breakLife.stepBreak(found.id, steps, reason, change, by, isStill)))
        throw notSo('该单边账不能这样处理', 'this break cannot be remedied so')
      return lifeJson(await seenBreak(operator, request.params.id))
    },
  })

  app.route<{ Body: { readonly breakId: number } }>({
    ...breakOperations.postNotice,
    handler: async (request, reply) => {
      mustBeTimely(flow)
      const operator = operatorIn(request)
      // art. 35(1): 由各县(市、区)国税局计统部门提供.
      if (operator.level !== 'county') throw new Refusal(403, 'not-permitted')
      const { id } = await seenBreak(operator, String(request.body.breakId))
      const issued = await issueNotice(flow, slots, id, operator)
      if (issued.kind === 'absent') throw new Refusal(404, 'not-found')
      if (issued.kind === 'undated' || issued.kind === 'at-the-bank' || issued.kind === 'unclear') throw notNoticed(issued.kind)
      if (issued.kind === 'otherwise')
        throw notSo(
          '按各场对账与其后的变动,该笔多划已退回、已在退回,或该税票有指令尚无结果;待其终结与下一场对账',
          'by the sessions and what has moved since so much is not too much any more, or an instruction of the ticket has no outcome yet',
        )
      if (issued.kind === 'unfit')
        throw notSo('该单边账的处理方式不是《调账通知单》', 'its remedy is no adjustment notice, or it is under way otherwise')
      if (issued.kind === 'refused')
        throw notSo(
          `已开具 ${issued.noticeNo} 而银行拒收:与银行查明后再次告知(POST /v1/adjustment-notices/${issued.noticeNo}/tellings)`,
          `it was issued as ${issued.noticeNo} and the bank refuses it: settle that with the bank and have it told again (POST /v1/adjustment-notices/${issued.noticeNo}/tellings)`,
        )
      const notice = await flow.store.notices.findNotice(issued.noticeNo)
      if (!notice) throw new Refusal(500, 'internal')
      if (issued.kind === 'repeated') reply.header('idempotency-replayed', 'true')
      else reply.code(201).header('location', `/v1/adjustment-notices/${issued.noticeNo}`)
      return noticeJson(flow, notice)
    },
  })

  app.route<{ Params: { readonly noticeNo: string }; Body: { readonly reason: string } }>({
    ...breakOperations.postNoticeTelling,
    handler: async (request, reply) => {
      const operator = operatorIn(request)
      if (operator.level !== 'county') throw new Refusal(403, 'not-permitted')
      const { noticeNo } = request.params
      const notice = await seenNotice(operator, noticeNo)
      const said = await tellNoticeAgain(flow, slots, notice, operator, request.body.reason)
      if (said.kind === 'absent') throw new Refusal(404, 'not-found')
      if (said.kind === 'undated' || said.kind === 'at-the-bank' || said.kind === 'unclear') throw notNoticed(said.kind)
      if (said.kind === 'objected') throw notSo(said.objection.zh, said.objection.en)
      if (said.kind === 'repeated') reply.header('idempotency-replayed', 'true')
      else reply.code(201)
      return noticeJson(flow, await seenNotice(operator, noticeNo))
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
    handler: async request => noticeJson(flow, await seenNotice(operatorIn(request), request.params.noticeNo)),
  })
}
