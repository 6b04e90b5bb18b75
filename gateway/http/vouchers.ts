import { daysAfter, deadline as filingDeadline, workingDayFrom } from '../domain/calendar-days.ts'
import { officesOf, sees } from '../domain/operator.ts'
import { monthAfter, shanghaiDate, shanghaiTime } from '../domain/time.ts'
import { type DailyReport, statementOf } from '../domain/treasury.ts'
import { alarmAt, deadlineOf, secondsLeft } from '../domain/voucher.ts'
import type { Flow } from '../flows/flow.ts'
import type { TicketLife } from '../store/ticket-life.ts'
import type { VoucherView } from '../store/vouchers.ts'
import type { App, Request } from './app.ts'
import { afterOf, nextOf } from './cursor.ts'
import { operatorIn } from './duties.ts'
import { notApplicable } from './operator.ts'
import { Refusal } from './problem.ts'
import { voucherOperations } from './voucher-operations.ts'
import { batchJson, certificateJson, happeningJson, lifeJson, paymentJson, statementJson, voucherJson } from './voucher-shapes.ts'

type Paged = { readonly cursor?: string; readonly limit: number }
type BySummary = { Params: { readonly summaryNo: string } }
type ByTicket = { Params: { readonly ticketNo: string } }

/** Binds the operations of write-offs, vouchers and the treasury to a server. */
export const voucherRoutes = (app: App, flow: Flow): void => {
  const { store } = flow
  const offices = (request: Request) => officesOf(flow.reference(), operatorIn(request))
  const treasuryOf = (code: string) => flow.reference().treasuries.get(code) ?? { code, name: code, clearingNo: '' }
  /** What an operator does not see is not there. */
  const seen = <T extends { readonly officeCode: string }>(request: Request, found: T | undefined): T => {
    if (!found || !sees(flow.reference(), operatorIn(request), found.officeCode)) throw new Refusal(404, 'not-found')
    return found
  }
  const voucherOf = async (request: Request, summaryNo: string): Promise<VoucherView> => seen(request, await store.vouchers.find(summaryNo))
  const lifeOf = async (request: Request, ticketNo: string): Promise<TicketLife> => seen(request, await store.ticketLives.life(ticketNo))
  /** The treasury, for whoever sees an office that pays into it. */
  const treasuryIn = (request: Request, code: string) => {
    const reference = flow.reference()
    const treasury = reference.treasuries.get(code)
    const payers = [...reference.offices.values()].filter(office => office.treasuryCode === code)
    if (!treasury || !payers.some(office => sees(reference, operatorIn(request), office.code))) throw new Refusal(404, 'not-found')
    return treasury
  }
  const statement = async (code: string, day: string) => {
    const report = await store.treasuries.findReport(code, day)
    return statementJson(treasuryOf(code), day, statementOf(await store.treasuries.entered(code, day), report), report)
  }
  const payment = async (life: TicketLife) => {
    const request = await store.paymentVouchers.debitRequest(life.ticketNo)
    const prints = await store.paymentVouchers.prints(life.ticketNo)
    return paymentJson(life, treasuryOf(life.treasuryCode).name, request ?? '{}', prints)
  }

  app.route<{ Querystring: { readonly workDate?: string } }>({
    ...voucherOperations.listWriteOffs,
    handler: async request => {
      const workDate = request.query.workDate ?? shanghaiDate(flow.clock())
      return { batches: (await store.writeOffs.batches(workDate, offices(request))).map(batchJson) }
    },
  })

  app.route<{
    Querystring: Paged & { readonly workDate?: string; readonly bankCode?: string; readonly treasuryCode?: string; readonly open?: boolean }
  }>({
    ...voucherOperations.listVouchers,
    handler: async request => {
      const { cursor, limit, open, ...filter } = request.query
      const found = await store.vouchers.list({ ...filter, isOpen: open, offices: offices(request) }, afterOf(cursor), limit + 1)
      return { vouchers: found.slice(0, limit).map(voucherJson), ...nextOf(found, limit, ({ id }) => id) }
    },
  })

  app.route<BySummary>({
    ...voucherOperations.getVoucher,
    handler: async request => {
      const voucher = await voucherOf(request, request.params.summaryNo)
      const happenings = await store.vouchers.happenings(voucher.summaryNo)
      return { ...voucherJson(voucher), treasuryName: treasuryOf(voucher.treasuryCode).name, happenings: happenings.map(happeningJson) }
    },
  })

  app.route<BySummary & { Querystring: Paged }>({
    ...voucherOperations.listVoucherTickets,
    handler: async request => {
      const { cursor, limit } = request.query
      const { summaryNo } = await voucherOf(request, request.params.summaryNo)
      // Counted, because a ticket number is longer than a cursor's number may be.
      const skip = afterOf(cursor)
      const found = await store.vouchers.ticketsOf(summaryNo, skip, limit + 1)
      return { tickets: found.slice(0, limit), ...nextOf(found, limit, () => skip + limit) }
    },
  })

  app.route({
    ...voucherOperations.getCountdown,
    handler: async request => {
      const now = flow.clock()
      const found = await store.vouchers.list({ isRemitted: false, offices: offices(request) }, 0, 200)
      const open = found.toSorted((a, b) => a.deadline.getTime() - b.deadline.getTime())
      const next = open[0]?.deadline ?? deadlineOf(now, day => workingDayFrom(flow.reference().calendar, day))
      return {
        now: shanghaiTime(now),
        deadline: shanghaiTime(next),
        secondsLeft: secondsLeft(next, now),
        alarm: open.length === 0 ? 'none' : alarmAt(next, now),
        notRemitted: open.map(voucherJson),
      }
    },
  })

  app.route<BySummary & { Body: { readonly treasuryCode: string; readonly amount: number; readonly enteredOn: string } }>({
    ...voucherOperations.postTreasuryReceipt,
    handler: async (request, reply) => {
      const { summaryNo } = await voucherOf(request, request.params.summaryNo)
      const { treasuryCode, amount, enteredOn: on } = request.body
      const now = flow.clock()
      const word = { event: 'received', summaryNo, treasuryCode, amount, on, actor: operatorIn(request).uri } as const
      const taken = await store.treasuries.hear(word, shanghaiDate(now), now)
      if (taken.kind === 'differs') throw notApplicable(taken.objection)
      if (taken.kind === 'repeated') reply.header('idempotency-replayed', 'true')
      else reply.code(201)
      return voucherJson((await store.vouchers.find(summaryNo))!)
    },
  })

  app.route<BySummary & { Body: { readonly reason: string } }>({
    ...voucherOperations.postVoucherTelling,
    handler: async (request, reply) => {
      const { summaryNo } = await voucherOf(request, request.params.summaryNo)
      const order = { now: flow.clock(), actor: operatorIn(request).uri, reason: request.body.reason }
      const said = await store.tellAgain.voucher(summaryNo, order)
      if (said.kind === 'absent') throw new Refusal(404, 'not-found')
      if (said.kind === 'objected') throw notApplicable(said.objection)
      if (said.kind === 'repeated') reply.header('idempotency-replayed', 'true')
      else reply.code(201)
      return voucherJson((await store.vouchers.find(summaryNo))!)
    },
  })

  app.route<{ Body: { readonly treasuryCode: string; readonly reportDate: string } & DailyReport }>({
    ...voucherOperations.postTreasuryReport,
    handler: async (request, reply) => {
      const { treasuryCode, reportDate, count, amount, lines } = request.body
      const { code } = treasuryIn(request, treasuryCode)
      const now = flow.clock()
      const isNew = await store.treasuries.report(code, reportDate, { count, amount, lines }, operatorIn(request).uri, now)
      if (isNew) reply.code(201)
      else reply.header('idempotency-replayed', 'true')
      return statement(code, reportDate)
    },
  })

  app.route<{ Params: { readonly treasuryCode: string; readonly day: string } }>({
    ...voucherOperations.getTreasuryStatement,
    handler: request => statement(treasuryIn(request, request.params.treasuryCode).code, request.params.day),
  })

  app.route<ByTicket>({
    ...voucherOperations.getTicketLife,
    handler: async request => lifeJson(await lifeOf(request, request.params.ticketNo)),
  })

  app.route<ByTicket>({
    ...voucherOperations.getPaymentVoucher,
    handler: async request => payment(await lifeOf(request, request.params.ticketNo)),
  })

  app.route<ByTicket>({
    ...voucherOperations.postReprint,
    handler: async (request, reply) => {
      const life = await lifeOf(request, request.params.ticketNo)
      const now = flow.clock()
      const by = { now, actor: operatorIn(request).uri }
      const objection = await store.paymentVouchers.resend(life.ticketNo, by, shanghaiDate(now))
      if (objection) throw notApplicable(objection)
      reply.code(201)
      return payment(life)
    },
  })

  app.route<{ Body: { readonly ticketNo: string; readonly certificateNo: string; readonly lostNo?: string } }>({
    ...voucherOperations.postCertificate,
    handler: async (request, reply) => {
      const { ticketNo, certificateNo, lostNo } = request.body
      await lifeOf(request, ticketNo)
      const now = flow.clock()
      const order = { ticketNo, certificateNo, lostNo, day: shanghaiDate(now), treasuryName: (code: string) => treasuryOf(code).name }
      const issued = await store.ticketLives.issue(order, { now, actor: operatorIn(request).uri })
      if (issued.kind === 'absent') throw new Refusal(404, 'not-found')
      if (issued.kind === 'objected') throw notApplicable(issued.objection)
      if (issued.kind === 'repeated') reply.header('idempotency-replayed', 'true')
      else reply.code(201)
      return certificateJson(issued.certificate)
    },
  })

  app.route<{ Querystring: { readonly month: string } }>({
    ...voucherOperations.listFees,
    handler: async request => {
      // What a bank is paid is the province's business.
      if (!sees(flow.reference(), operatorIn(request), undefined)) throw new Refusal(403, 'not-permitted')
      const { month } = request.query
      const statements = await store.fees.month(month)
      return { month, statements: statements.map(({ at, ...row }) => ({ ...row, ...(at ? { at: shanghaiTime(at) } : {}) })) }
    },
  })

  app.route<{ Params: { readonly month: string } }>({
    ...voucherOperations.getFigures,
    handler: async request => {
      const { month } = request.params
      const [from, to] = [`${month}-01`, daysAfter(monthAfter(`${month}-01`), -1)]
      const [year, number] = month.split('-').map(Number) as [number, number]
      // The returns of the month before end in this one; the last of them ends the filing period (art. 17).
      const [ofYear, ofMonth] = number === 1 ? [year - 1, 12] : [year, number - 1]
      const filingEndsOn = filingDeadline(flow.reference().calendar, 'income-monthly', ofYear, ofMonth)
      const seenOffices = offices(request)
      return {
        ...{ month, from, to, filingEndsOn, dueOn: daysAfter(filingEndsOn, 2) },
        households: await store.statistics.households(from, to, seenOffices),
        rows: await store.statistics.month(from, to, seenOffices),
      }
    },
  })
}
