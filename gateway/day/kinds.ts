import { type BreakRemedy, remedyTable } from '../domain/break-remedy.ts'
import type { DifferenceType } from '../domain/reconcile.ts'
import { table } from './table.ts'

// What the banks of the sample day get wrong, kind by kind (art. 35): each is planted at every bank by its lying books, must be found as what it is, and is
// followed to its end. What was found and done is read from the record; here stands only what must come out.

/** One kind of planted difference. */
export type Kind = {
  readonly zh: string
  readonly en: string
  /** As what the sessions of the day find it. */
  readonly found: DifferenceType
  /** As what those of the day after find it, where they do. */
  readonly next?: DifferenceType
  /** The way to its end: the remedy of the table, and what became of it. */
  readonly remedy: readonly Remedy[]
  /** `confirmed` by a later session; `superseded`: the next file is right of itself; `explained`: nothing was ever to be done. */
  readonly end: 'confirmed' | 'superseded' | 'explained'
  /** Asked before it is debited again, the bank has it: the next session decides. */
  readonly isAtTheBank?: true
}
/**
 * A step on the way of a difference; `declared`: two persons did so before any file came; `asked`: the bank has it, so that it is not debited again; `void`: the
 * ticket (art. 35(3)).
 */
type Remedy = BreakRemedy | 'declared' | 'asked' | 'void'

const notice = { remedy: ['notice'], end: 'confirmed' } as const
const supplemented = { remedy: ['supplement'], end: 'confirmed' } as const
const missing = { remedy: ['supplement-missing'], end: 'confirmed' } as const
const declared = { remedy: ['declared'], end: 'confirmed' } as const
/** Only its file is wrong: the bank has the debit, and says so when it is asked. */
const asked = { remedy: ['supplement-missing', 'asked'], end: 'superseded', isAtTheBank: true } as const
const looked = { found: 'particulars-differ', remedy: ['investigate'], end: 'superseded' } as const
const inBank = { found: 'in-bank', remedy: [], end: 'explained' } as const

/** All kinds, by name, in the order in which they are shown. */
export const kinds = {
  over: { zh: '多划', en: 'took too much', found: 'amount-differs', ...notice },
  under: { zh: '少划', en: 'took too little', found: 'amount-differs', ...supplemented },
  'under-declared': { zh: '少划,两人已先认定', en: 'too little, declared before', found: 'amount-differs', ...declared },
  twice: { zh: '重复划缴', en: 'took it twice', found: 'duplicate-at-bank', ...notice },
  missing: { zh: '未划', en: 'took nothing', found: 'tax-only', ...missing },
  'missing-void': {
    zh: '未划,补划不成',
    en: 'took nothing, cannot any more',
    found: 'tax-only',
    remedy: ['supplement-missing', 'void'],
    end: 'confirmed',
  },
  'missing-declared': { zh: '未划,两人已先认定', en: 'nothing, declared before', found: 'tax-only', ...declared },
  'void-declared': { zh: '未划,先已作废', en: 'nothing, void before', found: 'tax-only', ...declared },
  'left-out': { zh: '文件漏列', en: 'left out of the file', found: 'tax-only', ...asked },
  'next-day': {
    zh: '记在次一会计日',
    en: 'booked under the next day',
    found: 'tax-only',
    next: 'cut-off',
    remedy: ['supplement-missing', 'asked'],
    end: 'confirmed',
    isAtTheBank: true,
  },
  unsent: {
    zh: '无人发送',
    en: 'nobody ordered it',
    found: 'bank-only',
    next: 'bank-only',
    remedy: ['persons', 'notice'],
    end: 'confirmed',
  },
  returned: {
    zh: '拒而已扣,退回',
    en: 'refused and took: returned',
    found: 'state-differs',
    remedy: ['persons', 'notice'],
    end: 'confirmed',
  },
  adopted: { zh: '拒而已扣,采信', en: 'refused and took: adopted', found: 'state-differs', remedy: ['persons'], end: 'confirmed' },
  'listed-failed': { zh: '文件误列失败', en: 'listed as failed', found: 'state-differs', ...asked },
  'taken-back': { zh: '银行擅自冲回', en: 'gave it back unasked', found: 'reversed-one-side', ...missing },
  'not-given-back': { zh: '冲正未记账', en: 'did not give it back', found: 'reversed-one-side', ...notice },
  'listed-reversed': { zh: '文件误列已冲正', en: 'listed as reversed', found: 'reversed-one-side', ...asked },
  'wrong-account': { zh: '账号不符', en: 'another account', ...looked },
  'wrong-office': { zh: '征收机关不符', en: 'another office', ...looked },
  'wrong-date': { zh: '委托日期不符', en: 'another entrust date', ...looked },
  'wrong-ticket': { zh: '税票号不符', en: 'another ticket number', ...looked },
  'core-missing': { zh: '核心无记录', en: 'its core has it not', ...inBank },
  'core-differs': { zh: '核心不符', en: 'its core has it otherwise', ...inBank },
} as const satisfies { readonly [name: string]: Kind }
/** The name of a kind. */
export type KindName = keyof typeof kinds
const kindNames = Object.keys(kinds) as KindName[]
/** What must come out of a kind. */
export const kindOf = (name: KindName): Kind => kinds[name]

/** A difference that is planted at a bank. */
export type Planted = { readonly kind: KindName; readonly bankCode: string; readonly ticketNo: string }
/** A finding of a session, of the day itself or of the day after it. */
export type Finding = { readonly ticketNo: string; readonly on: 'day' | 'next'; readonly type: DifferenceType }
/** A break as the record has it: the way it went, and where it stands. */
export type BreakSeen = { readonly ticketNo: string; readonly way: readonly string[]; readonly state: string }

/** A step in the life of a break, as the interface shows it. */
type Step = { readonly event: string; readonly reason: string }
/** The way of a break: what the table chose, what two persons made of it, whether it was left at a question to the bank, and whether the ticket is void in the end. */
export const wayOf = (of: { readonly source: string; readonly remedy?: string; readonly steps: readonly Step[] }): string[] => {
  const happened = (event: string): boolean => of.steps.some(step => step.event === event)
  const words = of.steps.find(({ event }) => event === 'choose')?.reason.split(' ') ?? []
  const chosen = remedyTable.find(({ rule }) => rule === words.at(-1))?.remedy
  const way = [
    of.source === 'file' ? chosen : 'declared',
    of.remedy,
    of.remedy === 'supplement-missing' && !happened('begin') ? 'asked' : undefined,
    happened('void') ? 'void' : undefined,
  ]
  return [...new Set(way.filter(step => step !== undefined))]
}

/** A kind in the end: how many were planted, found as what they are, and came to the right end by the right way. */
export type KindRow = {
  readonly kind: KindName
  readonly planted: number
  readonly found: number
  /** As what they were found, and the ways they went, whatever they are. */
  readonly types: readonly string[]
  readonly ways: readonly string[]
  readonly ended: number
  readonly end: Kind['end']
}
type Seen = { readonly findings: readonly Finding[]; readonly breaks: readonly BreakSeen[] }

const typesOn = (findings: readonly Finding[], on: Finding['on']): DifferenceType[] => [
  ...new Set(findings.filter(finding => finding.on === on).map(({ type }) => type)),
]
const isOnly = (types: readonly DifferenceType[], wanted: DifferenceType | undefined): boolean =>
  wanted === undefined ? types.length === 0 : types.length === 1 && types[0] === wanted

/** Whether it was found as what it is, in every session that found anything of it. */
const isFound = (kind: Kind, findings: readonly Finding[]): boolean =>
  isOnly(typesOn(findings, 'day'), kind.found) && isOnly(typesOn(findings, 'next'), kind.next)

/** Whether it went the one way that the law leaves, to its end. */
const isEnded = ({ remedy, end }: Kind, breaks: readonly BreakSeen[]): boolean => {
  const [only] = breaks
  if (end === 'explained') return only === undefined
  return breaks.length === 1 && only!.state === end && only!.way.join() === remedy.join()
}

const ofTicket = <T extends { readonly ticketNo: string }>(all: readonly T[], ticketNo: string): T[] =>
  all.filter(each => each.ticketNo === ticketNo)
const differing = (texts: readonly string[]): string[] => [...new Set(texts)].sort()

/** The kinds of which something is planted, as they came out. */
export const kindRows = (planted: readonly Planted[], { findings, breaks }: Seen): KindRow[] =>
  kindNames.flatMap(name => {
    const own = planted.filter(({ kind }) => kind === name)
    if (own.length === 0) return []
    const kind = kindOf(name)
    const each = own.map(({ ticketNo }) => ({ findings: ofTicket(findings, ticketNo), breaks: ofTicket(breaks, ticketNo) }))
    const typesOf = (of: Seen) => [...new Set([...typesOn(of.findings, 'day'), ...typesOn(of.findings, 'next')])].join(' → ')
    return [
      {
        kind: name,
        planted: own.length,
        found: each.filter(of => isFound(kind, of.findings)).length,
        types: differing(each.map(typesOf)),
        ways: differing(each.flatMap(of => of.breaks.map(({ way }) => way.join(' → ')))),
        ended: each.filter(of => isEnded(kind, of.breaks)).length,
        end: kind.end,
      },
    ]
  })

/** What is planted and not found as what it is, found and not planted, or did not come to its end by its one way. */
export const kindFaults = (planted: readonly Planted[], { findings, breaks }: Seen): string[] => {
  const known = new Set(planted.map(({ ticketNo }) => ticketNo))
  const strays = findings.filter(({ ticketNo }) => !known.has(ticketNo))
  const absent = kindNames.filter(name => !planted.some(({ kind }) => kind === name))
  return [
    ...absent.map(name => `no difference of the kind ${name} is planted`),
    ...strays.map(({ ticketNo, type }) => `${ticketNo}: found as ${type}, and nobody planted it`),
    ...planted.flatMap(({ kind: name, ticketNo }) => {
      const kind = kindOf(name)
      const [found, own] = [ofTicket(findings, ticketNo), ofTicket(breaks, ticketNo)]
      const seen = found.map(({ on, type }) => `${type} (${on})`)
      const ways = own.map(({ way, state }) => `${way.join(' → ')} (${state})`)
      return [
        ...(isFound(kind, found) ? [] : [`${ticketNo}: planted as ${name}, found as ${differing(seen).join(', ') || 'nothing'}`]),
        ...(isEnded(kind, own) ? [] : [`${ticketNo}: planted as ${name}, ended as ${ways.join(', ') || 'nothing'}`]),
      ]
    }),
  ]
}

const endWords = { confirmed: '已确认 confirmed', superseded: '已更正 corrected', explained: '银行自理 in the bank' } as const

/** The kinds as people read them. */
export const kindText = (rows: readonly KindRow[]): string[] => {
  const sum = (pick: (row: KindRow) => number): string => String(rows.reduce((total, row) => total + pick(row), 0))
  return table(
    [
      ['预埋的差异', '埋', '查出', '查为', '处理', '了结', '再次对账'],
      ['planted difference', 'planted', 'found', 'as', 'remedy', 'over', 'then'],
      ...rows.map(({ kind, planted, found, types, ways, ended, end }) => [
        `${kindOf(kind).zh} ${kindOf(kind).en}`,
        String(planted),
        String(found),
        types.join(' | '),
        ways.join(' | ') || '·',
        String(ended),
        endWords[end],
      ]),
      ['合计 total', sum(row => row.planted), sum(row => row.found), '', '', sum(row => row.ended), ''],
    ],
    [1, 2, 5],
  )
}
