import type { Late } from '../call.ts'
import type { Flow } from './flow.ts'

/**
 * An answer that came when nobody waited any more. It is not taken at its word (the fence has moved on), but it is used: the debit it names is
 * inquired at once instead of on its next rung.
 */
export const hearLate = async (flow: Flow, answer: Late): Promise<void> => {
  const { bankCode, officeCode, entrustDate, serialNo, verb, fault } = answer
  flow.note({ event: officeCode === undefined ? 'stray' : 'late', bankCode, ...(verb ? { verb } : {}), ...(fault ? { fault } : {}) })
  if (officeCode === undefined || entrustDate === undefined || serialNo === undefined || verb !== 'debit') return
  try {
    // A moment later: the time-out that gave it up is just being recorded.
    await flow.pause(200)
    await flow.store.hasten({ bankCode, officeCode, entrustDate, serialNo }, flow.clock())
  } catch (error) {
    flow.note({ event: 'trouble', bankCode, detail: String(error) })
  }
}
