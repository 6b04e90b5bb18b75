/** 机关级次: province, city, county; each sees what stands below it. */
export const levels = ['province', 'city', 'county'] as const
export type Level = (typeof levels)[number]

/** 岗位: what a person is there for (art. 6). */
export const duties = ['binding-review', 'accounts', 'information-centre', 'auditor', 'administrator'] as const
export type Duty = (typeof duties)[number]

/** A person with an account that is enabled, as the record knows them. */
export type Operator = {
  /** `urn:taxlink:operator:zhang` */
  readonly uri: string
  readonly name: string
  readonly office: string
  readonly level: Level
  readonly duties: readonly Duty[]
}

/** The offices of the province, each with the one above it. */
export type OfficeTree = { readonly offices: ReadonlyMap<string, { readonly level?: Level; readonly parent?: string }> }

const form = /^urn:taxlink:operator:([a-z0-9-]{1,40})$/
/** The name of an operator by which proposals, journal and certificates know them. */
export const operatorUri = (name: string): string => `urn:taxlink:operator:${name}`
/** The name in such a URI; undefined for anybody else's. */
export const operatorName = (uri: string): string | undefined => form.exec(uri)?.[1]

/** The office and those above it; a tree of three levels cannot go on for longer. */
const upFrom = ({ offices }: OfficeTree, officeCode: string): readonly string[] => {
  const way: string[] = []
  for (let at: string | undefined = officeCode; at !== undefined && way.length < levels.length; at = offices.get(at)?.parent) way.push(at)
  return way
}

/** Whether an operator sees what belongs to this office: their own, or one below it. Of the whole province (undefined) sees only the province. */
export const sees = (tree: OfficeTree, { office, level }: Pick<Operator, 'office' | 'level'>, officeCode: string | undefined): boolean =>
  level === 'province' || (officeCode !== undefined && upFrom(tree, officeCode).includes(office))

/** The codes of the offices that an operator sees; undefined: all there are, also those that the reference data has not. */
export const officesOf = (tree: OfficeTree, operator: Pick<Operator, 'office' | 'level'>): readonly string[] | undefined =>
  operator.level === 'province' ? undefined : [...tree.offices.keys()].filter(code => sees(tree, operator, code))

/** Whether an operator has one of these duties. */
export const hasDuty = (operator: Pick<Operator, 'duties'>, needed: readonly Duty[]): boolean =>
  operator.duties.some(duty => needed.includes(duty))

/** What keeps an operator from something about this office: it is out of sight, or none of their duties. */
export const barTo = (
  tree: OfficeTree,
  operator: Operator | undefined,
  needed: readonly Duty[],
  officeCode: string | undefined,
): 'not-seen' | 'not-permitted' | undefined => {
  if (!operator) return 'not-permitted'
  if (!sees(tree, operator, officeCode)) return 'not-seen'
  return hasDuty(operator, needed) ? undefined : 'not-permitted'
}

/** An account as the record has it. */
export type Account = {
  readonly name: string
  readonly displayName: string
  readonly office: string
  readonly duties: readonly Duty[]
  readonly enabled: boolean
}

/** The person of an account; undefined where it is disabled, or its office is none of the province's any more. */
export const operatorOf = ({ offices }: OfficeTree, account: Account | undefined): Operator | undefined => {
  const level = account && offices.get(account.office)?.level
  if (!account?.enabled || level === undefined) return undefined
  return { uri: operatorUri(account.name), name: account.name, office: account.office, level, duties: account.duties }
}

// 不相容岗位: who gives rights has none, and who looks on does nothing.
const alone: readonly Duty[] = ['auditor', 'administrator']
/** Whether one person may have all of these duties together. */
export const areCompatible = (wanted: readonly Duty[]): boolean => wanted.length < 2 || !wanted.some(duty => alone.includes(duty))
