/** The forms a taxpayer id (纳税人识别号) may have; `other`: none of them, which only old data has. */
export type TaxpayerForm = 'unified-18' | 'organisation-15' | 'person-18' | 'person-15' | 'sole-20' | 'other'
/** What a taxpayer id looks like, and whether its check character holds. A fault is a warning: ids issued before the standards differ. */
export type TaxpayerIdCheck = {
  readonly form: TaxpayerForm
  /** `check`: the check character is another; `form`: no known form; `date`: the birth date inside is none. */
  readonly warning?: 'check' | 'form' | 'date'
}

const unifiedAlphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY'
const unifiedWeights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
const organisationAlphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const organisationWeights = [3, 7, 9, 10, 5, 8, 4, 2]
const personWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const personChecks = '10X98765432'

const weighed = (text: string, alphabet: string, weights: readonly number[]): number =>
  weights.reduce((sum, weight, i) => sum + weight * alphabet.indexOf(text[i]!), 0)

/** The check character of a unified social credit code (GB 32100-2015) for its first 17 characters. */
const unifiedCheck = (code: string): string => unifiedAlphabet[(31 - (weighed(code, unifiedAlphabet, unifiedWeights) % 31)) % 31]!
/** The check character of an organisation code (GB 11714) for its first 8 characters. */
const organisationCheck = (code: string): string => '0123456789X0'[11 - (weighed(code, organisationAlphabet, organisationWeights) % 11)]!
/** The check character of a citizen's number (GB 11643) for its first 17 digits. */
const personCheck = (id: string): string => personChecks[weighed(id, organisationAlphabet, personWeights) % 11]!

const isDay = (yyyymmdd: string): boolean => {
  const text = `${yyyymmdd.slice(0, 4)}-${yyyymmdd.slice(4, 6)}-${yyyymmdd.slice(6)}`
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
}

const person = (form: TaxpayerForm, id: string): TaxpayerIdCheck => {
  if (!isDay(id.slice(6, 14))) return { form, warning: 'date' }
  return personCheck(id) === id[17] ? { form } : { form, warning: 'check' }
}

/**
 * Recognises a taxpayer id by its form and looks at its check character (art. 9, annex 2 §7): 18 characters of GB 32100 or a citizen's number, the
 * older 15 (division and organisation code, or a citizen's number of that length), 20 for a sole trader (a citizen's number and two digits).
 */
export const checkTaxpayerId = (id: string): TaxpayerIdCheck => {
  const citizen = /^[0-9]{17}[0-9X]$/.test(id)
  if (/^[1-9ANY][1-9][0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$/.test(id)) {
    // A citizen's number may look like a unified code as well: the check that holds decides, then what registers organisations: 91, 92, 93.
    if (unifiedCheck(id) === id[17]) return { form: 'unified-18' }
    if (!citizen || (/^9[123]/.test(id) && person('person-18', id).warning !== undefined)) return { form: 'unified-18', warning: 'check' }
  }
  if (citizen) return person('person-18', id)
  if (/^[0-9]{17}[0-9X][0-9]{2}$/.test(id)) return person('sole-20', id)
  if (/^[0-9]{15}$/.test(id) && isDay(`19${id.slice(6, 12)}`) && organisationCheck(id.slice(6)) !== id[14]) return { form: 'person-15' }
  if (/^[0-9]{6}[0-9A-Z]{8}[0-9X]$/.test(id))
    return organisationCheck(id.slice(6)) === id[14] ? { form: 'organisation-15' } : { form: 'organisation-15', warning: 'check' }
  return { form: 'other', warning: 'form' }
}
