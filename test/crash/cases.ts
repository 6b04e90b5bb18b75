import { type Label, labels, type Role } from '../patch/labels.ts'
import type { Armed } from '../patch/points.ts'
import type { Random } from './random.ts'

/** One cell of the matrix: a kind of process is killed or stopped at a label. */
export type Case = { readonly label: string; readonly role: Role; readonly action: Armed['action'] }

const actions = ['kill', 'stop'] as const

/** Every label × each kind of process that comes there × kill and stop; of these only what is asked for. */
export const matrix = (asked: Partial<Case> = {}): Case[] =>
  labels
    .flatMap(({ label, roles }) => roles.flatMap(role => actions.map(action => ({ label, role, action }))))
    .filter(
      each =>
        each.label === (asked.label ?? each.label) &&
        each.role === (asked.role ?? each.role) &&
        each.action === (asked.action ?? each.action),
    )

/** Labels that a process comes to now and then only: their cases have a day of their own, in which few are killed. */
const seldom: ReadonlySet<string> = new Set([
  'commit.keep',
  'commit.late-answer',
  'commit.hasten',
  'commit.postpone',
  'commit.review',
  'commit.nothing',
  'commit.proposal',
  'bank.reversal',
  'bank.supplementaryDebit',
])
const nameOf = (label: string): string => label.replace(/\.[^.]*$/, '')
const isSeldom = ({ label }: Case): boolean => seldom.has(nameOf(label))

/** Cases by days: at most so many a day, kills and stops of every kind in each; of what is seldom reached a third as many. */
export const inDays = (cases: readonly Case[], perDay: number): Case[][] => {
  const dealt = (some: readonly Case[], most: number): Case[][] => {
    const days = Math.ceil(some.length / most)
    return Array.from({ length: days }, (_, day) => some.filter((_each, i) => i % days === day))
  }
  const often = cases.filter(each => !isSeldom(each))
  return [...dealt(often, perDay), ...dealt(cases.filter(isSeldom), Math.max(1, Math.floor(perDay / 3)))]
}

/**
 * What must have happened so that a label is reached at all: an answer is too late only for a process that slept with it in its hands; a block of
 * numbers is taken, and a bank's day is new, once in a life.
 */
// Long enough for somebody else to have taken it over for certain; again where all others were too slow for that.
const sleep = (label: string) => ({ label, action: 'stop', moreMs: 6_000, times: 3 }) as const
const newLife = (label: string) => ({ label, action: 'kill', times: 1 }) as const
const lives = { gateway: newLife('commit.accept.after'), worker: newLife('queue.take.received') }
const before: {
  readonly [name: string]: { readonly [role in Role]: Pick<Armed, 'label' | 'action' | 'moreMs'> & { readonly times: number } }
} = {
  'commit.keep': { gateway: sleep('bank.debit.received'), worker: sleep('bank.inquiry.received') },
  'commit.nothing': { gateway: sleep('bank.reversal.received'), worker: sleep('bank.reversal.received') },
  'commit.counter': lives,
  'commit.bank-day': lives,
  'commit.delivery-begin': lives,
}

/**
 * Shares cases among the processes of a day. Those of one process come one after the other: whoever is dead or stopped comes to no other label.
 * `nth` is drawn small: every life must live to see it.
 */
export const share = (
  cases: readonly Case[],
  processes: { readonly [role in Role]: readonly string[] },
  random: Random,
): Map<string, Armed[]> => {
  const armed = new Map<string, Armed[]>()
  for (const [i, { label, role, action }] of cases.entries()) {
    const names = processes[role]
    const name = names.reduce((least, each) => ((armed.get(each)?.length ?? 0) < (armed.get(least)?.length ?? 0) ? each : least), names[0]!)
    const list = armed.get(name) ?? []
    const first = before[nameOf(label)]?.[role]
    if (first) {
      const { times, ...how } = first
      list.push(...Array.from({ length: times }, (_, n) => ({ ...how, id: `${i}-before-${n + 1}`, nth: 1, leadsTo: `${i}` })))
    }
    list.push({ id: `${i}`, label, nth: first || seldom.has(nameOf(label)) ? 1 : random.whole(1, 2), action })
    armed.set(name, list)
  }
  return armed
}

/** The labels as people read them. */
export const listed = (): string =>
  labels
    .flatMap(({ label, what, roles, out }: Label) => [
      `${label.padEnd(32)} ${roles.join(', ').padEnd(16)} ${what}`,
      ...out.map(({ role, why }) => `${' '.repeat(32)} not ${role}: ${why}`),
    ])
    .join('\n')
