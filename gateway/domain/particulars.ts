/**
 * 统一的纳税档案 (annex 2 §7): what the bureau and the bank must hold alike of one taxpayer. `branch` is the 12-digit number of the account's branch.
 */
export type Particulars = {
  readonly taxpayerId: string
  readonly taxpayerName: string
  readonly officeCode: string
  readonly bankCode: string
  readonly branch: string
  readonly account: string
}
/** The name of one of them. */
export type Particular = keyof Particulars

/** How two texts were found to be the same, from the strictest: byte for byte, but for padding, but for width, but for blanks inside. */
export const rules = ['exact', 'padding', 'width', 'blanks'] as const
export type MatchRule = (typeof rules)[number]
/** How each particular compares: the first rule under which both are the same, or the bank's own word that they are (`confirmed`), or `differs`. */
export type Comparison = { readonly [P in Particular]: MatchRule | 'confirmed' | 'differs' }

// Banks pad with blanks, with NUL and with the full-width blank; the blanks of people stand inside as well.
const padding = /^[\0\s\u3000]+|[\0\s\u3000]+$/g
const blanks = /[\0\s\u3000]+/g

/** Full-width ASCII as ASCII (GBK A3A1–A3FE), brackets and the middle dot in one form; no other character is touched. */
const narrow = (text: string): string =>
  text
    .replace(/[\uff01-\uff5e]/g, c => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    .replace(/[\u3000]/g, ' ')
    .replace(/[\u00b7\u2022\u30fb\uff0e]/g, '·')

const normalise: { readonly [R in MatchRule]: (text: string) => string } = {
  exact: text => text,
  padding: text => text.replace(padding, ''),
  width: text => narrow(text.replace(padding, '')),
  blanks: text => narrow(text).replace(blanks, ''),
}

/** The first rule under which two texts are the same; letters of ids and names keep their case, since banks' files tell them apart. */
export const matchText = (ours: string, theirs: string): MatchRule | 'differs' =>
  rules.find(rule => normalise[rule](ours) === normalise[rule](theirs)) ?? 'differs'

// In a number nothing but its padding may be overlooked: two accounts that differ in a blank are two accounts to somebody's program.
const matchNumber = (ours: string, theirs: string): MatchRule | 'differs' => {
  const found = matchText(ours, theirs)
  return found === 'exact' || found === 'padding' ? found : 'differs'
}

const names = ['taxpayerId', 'taxpayerName', 'officeCode', 'bankCode', 'branch', 'account'] as const satisfies readonly Particular[]

/** Compares what the bureau and the bank hold (annex 2 §7): names under every rule, numbers exactly but for padding. */
export const compareParticulars = (ours: Particulars, theirs: Particulars): Comparison =>
  Object.fromEntries(names.map(name => [name, (name === 'taxpayerName' ? matchText : matchNumber)(ours[name], theirs[name])])) as Comparison

/** The particulars that differ, in their order; none: the two sides hold the same. */
export const differing = (comparison: Comparison): Particular[] => names.filter(name => comparison[name] === 'differs')

/** How alike both sides are on the whole: every particular byte for byte, alike under a named rule, not all named by the bank, or not alike. */
export type Likeness = 'exact' | 'alike' | 'unchecked' | 'differs'

/** Compares what the bank named; what it left out is left out here as well. */
export const compareHeld = (ours: Particulars, held: Partial<Particulars>): Partial<Comparison> =>
  Object.fromEntries(
    Object.entries(compareParticulars(ours, { ...ours, ...held })).filter(([name]) => held[name as Particular] !== undefined),
  )

/** The worst of a comparison. Nothing to compare, or one of those of annex 2 §7 left out, is unchecked. */
export const likenessOf = (comparison: Partial<Comparison> | undefined): Likeness => {
  const found = names.map(name => comparison?.[name])
  if (found.includes('differs')) return 'differs'
  // Which of its own banks it is goes without saying.
  if (names.some(name => name !== 'bankCode' && comparison?.[name] === undefined)) return 'unchecked'
  return found.every(rule => rule === undefined || rule === 'exact') ? 'exact' : 'alike'
}

/** What a bank says when it is asked to compare (核验): its code, and of each particular whether it is the same, so far as it tells. */
export type Verification = { readonly code: string; readonly matches: { readonly [P in Particular]?: 'same' | 'differs' } }

/** Codes by which a bank says that something differs, or that it holds no such binding at all; and which particular it is where the code tells. */
const denials: { readonly [code: string]: Particular | undefined } = {
  '24002': 'taxpayerName',
  '24009': undefined,
  '24016': 'account',
  '24017': undefined,
  '93004': undefined,
}

/** A bank's own comparison, as ours: all five are the same where its code says so, whatever it names. Not even one: it has not compared. */
export const verified = ({ code, matches }: Verification): { readonly comparison: Partial<Comparison>; readonly likeness: Likeness } => {
  const named = Object.fromEntries(Object.entries(matches).map(([name, match]) => [name, match === 'same' ? 'confirmed' : match]))
  const all = code === '90000' ? names.filter(name => name !== 'bankCode').map(name => [name, 'confirmed']) : []
  const denied = Object.hasOwn(denials, code)
  const which = denials[code]
  const meant = which && !Object.values(named).includes('differs') ? { [which]: 'differs' } : {}
  const comparison: Partial<Comparison> = { ...Object.fromEntries(all), ...named, ...meant }
  return { comparison, likeness: denied ? 'differs' : likenessOf(comparison) }
}
