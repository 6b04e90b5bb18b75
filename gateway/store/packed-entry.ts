import { bookingVerbs, markOf } from '../domain/booking.ts'
import { hashEntryBytes, hashed, hashKeyBytes, type PrintKey } from '../domain/fingerprint.ts'

// Entries of the ledger by the million: all that their fingerprint is made of comes in one value, and is hashed where it lies. Nine values a row cost several
// times as much.

const [digestBytes, dayBytes] = [8, 8]
/** The value: digest of the account, entrust date, place of the verb in its list, then what has no fixed width. */
export const packedEntry = `CONCAT(account_digest, DATE_FORMAT(entrust_date, '%Y%m%d'), FIELD(verb, ${bookingVerbs.map(verb => `'${verb}'`).join(', ')}),
  office_code, '|', serial_no, '|', ticket_no, '|', amount)`

const [nought, bar] = [48, 124]
const numberIn = (bytes: Buffer, start: number, end: number): number => {
  let number = 0
  for (let i = start; i < end; i++) number = number * 10 + bytes[i]! - nought
  return number
}
const barAfter = (bytes: Buffer, start: number): number => {
  let at = start
  while (bytes[at] !== bar) at++
  return at
}

/** Makes the fingerprint of an entry that came as such a value, in `hashed`. */
export const hashPacked = (key: PrintKey, bytes: Buffer): void => {
  const verbAt = digestBytes + dayBytes
  const officeAt = verbAt + 1
  const officeEnd = barAfter(bytes, officeAt)
  const serialEnd = barAfter(bytes, officeEnd + 1)
  const ticketEnd = barAfter(bytes, serialEnd + 1)
  hashKeyBytes(key, bytes, numberIn(bytes, digestBytes, verbAt), officeAt, officeEnd, officeEnd + 1, serialEnd)
  const { low, high } = hashed
  const mark = markOf[bookingVerbs[bytes[verbAt]! - nought - 1]!]
  const amount = numberIn(bytes, ticketEnd + 1, bytes.length)
  hashEntryBytes(key, low, high, mark, bytes, serialEnd + 1, ticketEnd, amount, bytes.readUInt32LE(0), bytes.readUInt32LE(4))
}
