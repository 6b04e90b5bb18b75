import { type Booking, bookingOf, type Moved } from '../domain/booking.ts'
import type { Flow } from './flow.ts'

const chunk = 500
/** Of a bank that the data do not name any more: the midnight that all banks' days end at by default. */
const midnight = '24:00'

/**
 * Follows the feed of results and books what moved, as far as the feed goes; returns how many results were gone through. Any number of workers may run it:
 * one at a time books, and where one was broken off the next goes on.
 */
export const book = async (flow: Flow): Promise<number> => {
  const dayEndOf = (bankCode: string) => flow.reference().banks.get(bankCode)?.policy.dayEnd ?? midnight
  const booked = (moved: Moved): Booking | undefined => {
    const booking = bookingOf(moved, dayEndOf(moved.bankCode))
    if (booking?.datedBy === 'clock' && moved.accountingDate !== undefined)
      flow.note({
        event: 'trouble',
        bankCode: moved.bankCode,
        ticketNo: moved.ticketNo,
        detail: `the accounting date that the bank named cannot be: ${moved.accountingDate}; booked under ${booking.accountingDate}`,
      })
    return booking
  }
  for (let through = 0; ; ) {
    const done = await flow.store.bookings.follow(flow.printKey(), chunk, booked)
    through += done
    if (done < chunk) return through
  }
}
