import type { Late } from '../call.ts'
import { holdAgainstRecord, offered } from './attempt.ts'
import type { Flow } from './flow.ts'

/**
 * An answer that came when nobody waited any more. It settles nothing (the fence has moved on), but it is kept and used: the instruction it names
 * is inquired at once instead of on its next rung, and a settled one that it contradicts gets a break.
 */
export const hearLate = async (flow: Flow, late: Late): Promise<void> => {
  const { bankCode, officeCode, entrustDate, serialNo, verb, fault } = late
  flow.note({ event: officeCode === undefined ? 'stray' : 'late', bankCode, ...(verb ? { verb } : {}), ...(fault ? { fault } : {}) })
  if (officeCode === undefined || entrustDate === undefined || serialNo === undefined || verb === undefined) return
  try {
    // A moment later: the time-out that gave it up is just being recorded.
    await flow.pause(200)
    await offered(flow, () => use(flow, late, { officeCode, entrustDate, serialNo }))
  } catch (error) {
    flow.note({ event: 'trouble', bankCode, detail: String(error) })
  }
}

const use = async (flow: Flow, late: Late, key: { officeCode: string; entrustDate: string; serialNo: string }): Promise<void> => {
  const { bankCode, verb, ticketNo, called } = late
  const named = await flow.store.named(key)
  // Somebody else's key, another ticket's, another verb's: an answer to nothing we asked.
  if (!named || named.bankCode !== bankCode || (ticketNo !== undefined && ticketNo !== named.ticketNo)) return
  if (verb !== named.verb && verb !== 'inquiry') return
  const now = flow.clock()
  if (called) {
    const { answer, transcript } = called
    await holdAgainstRecord(flow, named, answer, transcript, verb === 'inquiry' ? 'inquiry' : 'late-answer')
  }
  // Only a sending: an inquiry that is always answered too late must not hasten the next.
  if (verb !== 'inquiry') await flow.store.hasten({ bankCode, ...key }, now)
}
