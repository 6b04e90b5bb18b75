import { date, debitRequest, digits, fen, listOf, oneOf, text } from '@taxlink/bank-sdk'
import type { Objection } from '../domain/proposal.ts'
import { shanghaiDate } from '../domain/time.ts'
import { numberTaken, objectionToClose, objectionToReissue, objectionToUndo, undoCauses } from '../domain/write-off.ts'
import { byOperators, kindOf, nothing } from './kind.ts'
import { paper } from './registry-kinds.ts'

// What nobody does to a written-off ticket alone (art. 21): undo its marks, let another ticket take its place; and what ends both, 省局记账.

const { ticketNo } = debitRequest.fields
const unknown: Objection = { rule: 'ticket-unknown', zh: '没有这份已销号的税票', en: 'no such ticket was written off' }
const inTheFuture: Objection = { rule: 'in-the-future', zh: '日期在将来', en: 'the day is in the future' }

/** 撤销入库销号和上解销号. */
export const undoWriteOff = kindOf(
  {
    ticketNo,
    cause: oneOf('情形(第二十一条第二项)', 'the case of art. 21(2)', undoCauses),
    reason: text('书面维护意见', 'the written opinion', 60),
  },
  {
    zh: '撤销税票的入库销号和上解销号',
    en: 'undo the write-off of a ticket',
    ...byOperators('accounts'),
    example: { ticketNo: '343012611100000001', cause: 'particulars-wrong', reason: '申报表所属期有误,税额不变' },
    subject: content => content.ticketNo,
    wrong: nothing,
    stand: async (flow, content) => {
      const life = await flow.store.ticketLives.life(content.ticketNo)
      if (!life) return unknown
      const { ticketLives } = flow.store
      const bookedThrough = await ticketLives.bookedThrough()
      const hasOpenBreak = await ticketLives.hasOpenBreak(content.ticketNo)
      return (
        objectionToUndo({ state: life.state, enteredOn: life.enteredOn, bookedThrough, hasOpenBreak }) ?? {
          about: undefined,
          officeCode: life.officeCode,
        }
      )
    },
    apply: (deeds, content) => deeds.undoWriteOff(content),
  },
)

/** 作废并重新填开税票: the first of the amount that was debited, with the dates of the old one. */
export const reissueTicket = kindOf(
  {
    ticketNo,
    tickets: listOf(
      '重新填开的税票',
      'the tickets that take its place',
      { ticketNo: digits('机器税票号码', 'number of the new ticket', 1, 20), amount: fen('税额', 'amount in fen', 1) },
      2,
    ),
  },
  {
    zh: '作废已撤销销号的税票并重新填开',
    en: 'issue a ticket anew in place of one that was undone',
    ...byOperators('accounts'),
    example: { ticketNo: '343012611100000001', tickets: [{ ticketNo: '143010226110000017', amount: 125_000 }] },
    subject: content => content.ticketNo,
    wrong: nothing,
    stand: async (flow, content) => {
      const life = await flow.store.ticketLives.life(content.ticketNo)
      if (!life) return unknown
      const objection = objectionToReissue({ ...life, cause: life.undo?.cause }, content.tickets)
      if (objection) return objection
      return (await flow.store.ticketLives.isAnyTaken(content.tickets)) ? numberTaken : { about: undefined, officeCode: life.officeCode }
    },
    apply: (deeds, content) => deeds.reissueTicket(content.ticketNo, content.tickets),
  },
)

/** 省局记账: what the treasuries have entered through a day is booked by the province. */
export const closeBooks = kindOf(
  { through: date('记账截止日(入库日期)', 'last day of entry that is booked'), ...paper },
  {
    zh: '登记省局记账',
    en: 'close the province’s books through a day',
    ...byOperators('accounts'),
    example: { through: '2026-11-30', paperNo: '湘国税计〔2026〕12号', paperDate: '2026-12-01' },
    subject: () => 'books',
    wrong: nothing,
    stand: async (flow, content, now) => {
      if (content.through > shanghaiDate(now)) return inTheFuture
      const { ticketLives } = flow.store
      return (
        objectionToClose(content.through, await ticketLives.bookedThrough(), await ticketLives.halfDone(content.through)) ?? {
          about: undefined,
          officeCode: undefined,
        }
      )
    },
    apply: (deeds, content) => deeds.closeBooks(content.through),
  },
)
