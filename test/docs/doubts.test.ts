import { type Outcome, outcome, outcomes, type UnifiedCode } from '@taxlink/bank-sdk'
import { describe, expect, test } from 'vitest'
import type { InstructionVerb } from '../../gateway/domain/answers.ts'
import { type BankPolicy, quietFrom } from '../../gateway/domain/bank.ts'
import { type Answer, afterInquiry, afterSend, type Decision, type Standing } from '../../gateway/domain/debit.ts'
import type { Movement, Ticket } from '../../gateway/domain/ticket.ts'
import { later } from '../../gateway/domain/time.ts'
import { doubtJson } from '../../gateway/http/operator-shapes.ts'
import type { ResultJson } from '../../gateway/http/shapes.ts'
import type { Tx } from '../../gateway/store/database.ts'
import { followEffect } from '../../gateway/store/linked.ts'
import { page, section, tableRows } from './page.ts'

// «存疑的种类» of docs/operating.md against the rules: an operator finds what GET /v1/doubts shows him in the first table, and nothing else is in it.

type Row = { readonly forms: readonly RegExp[]; readonly codes: string; readonly asksOn: string }
const formsOf = (cell: string): RegExp[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => new RegExp(`^${text!.replaceAll('…', '.+')}$`))
const rows = tableRows(section(page('docs/operating.md'), '存疑的种类'))
  .filter(cells => cells.length === 5)
  .map(([reason, codes, , asksOn]): Row => ({ forms: formsOf(reason!), codes: codes!, asksOn: asksOn! }))

/** What is shown of an instruction, and what the row beside it is to say. */
type Seen = {
  readonly reason: string
  readonly code: string
  /** Whether the code was said in an earlier answer than the last. */
  readonly stays: boolean
  readonly asksOn: boolean
}
const keptCode = '上一次说过的'
/** The first row that a reader finds. */
const rowOf = ({ reason, code, stays }: Seen): Row | undefined =>
  rows.find(({ forms, codes }) => forms.some(form => form.test(reason)) && codes.includes(stays ? keptCode : `\`${code}\``))

const contract: BankPolicy = {
  dedupe: 'by-key',
  inquiry: true,
  reversal: 'any',
  tombstones: false,
  dayEnd: '24:00',
  quiescenceMs: 60_000,
  inquiryLadderMs: [1_000, 5_000, 60_000],
  redeliveryLadderMs: [500],
  timeoutMs: 20_000,
  concurrency: 8,
  connections: 2,
  pipeline: 4,
}
// 10:00 in the province.
const start = new Date('2026-11-10T02:00:00.000Z')
const amount = 12_345
const firstSent: Standing = {
  verb: 'debit',
  state: 'sent',
  amount,
  redeliveries: 0,
  inquiries: 0,
  lastSentAt: start,
  acceptedAt: start,
}

/** GET /v1/doubts about it. */
const shown = (verb: InstructionVerb, reason: string, said: Outcome | undefined) => {
  const json: { readonly reason: string; readonly result?: ResultJson } = doubtJson(
    {
      instructionId: 1,
      verb,
      ticketNo: '143010200002611101',
      officeCode: '14301020000',
      entrustDate: '2026-11-10',
      serialNo: '00000001',
      bankCode: '4301',
      amount,
      state: 'unknown',
      outcome: said,
      acceptedAt: start,
      lastSentAt: start,
      attempts: 1,
      reason,
      purpose: undefined,
      asksAt: undefined,
      evidence: [],
      lateAnswers: [],
      proposalId: undefined,
    },
    sentAt => quietFrom(contract, sentAt),
  )
  const { code, bankCode } = json.result!
  return { reason: json.reason, code, bankCode }
}

const undelivered = (fault: string): Answer => ({ kind: 'undelivered', fault })
const timeout: Answer = { kind: 'doubtful', fault: 'timeout', outcome: outcome('28003') }
const lost: Answer = { kind: 'doubtful', fault: 'connection-lost', outcome: outcome('99090') }
const unsendable: Answer = { kind: 'unsendable', fault: 'not-in-charset', outcome: outcome('93003') }
/** The bank's answer; its own code is never ours. */
const says = (code: UnifiedCode, fen = amount): Answer => ({ kind: 'answered', outcome: outcome(code, `B${code.slice(1)}`), amount: fen })
const notFound = says('94054', 0)
/** A process that died with its answer. */
const nothing = 'nothing'
/** A bank that knows no inquiries. */
const unasked = undelivered('no-inquiry')

type Story = {
  readonly title: string
  readonly terms?: Partial<BankPolicy>
  readonly standing?: Partial<Standing>
  /** What comes of each call in its turn. */
  readonly calls: readonly (Answer | typeof nothing)[]
  readonly reason: string
  readonly code: string
  readonly bankCode?: string
}

/** Plays the calls, each at the time its rule asked for; what no answer says anything about stays as it was said before (COALESCE in the record). */
const played = ({ terms, standing: of, calls }: Story): { readonly decision: Decision; readonly said: Outcome | undefined } => {
  const policy = { ...contract, ...terms }
  let [standing, now, said]: [Standing, Date, Outcome | undefined] = [{ ...firstSent, ...of }, start, undefined]
  let decision: Decision | undefined
  for (const call of calls) {
    if (call === nothing) {
      standing = { ...standing, state: 'unknown' }
      continue
    }
    if (standing.state === 'accepted') standing = { ...standing, state: 'sent', lastSentAt: now }
    decision = standing.state === 'sent' ? afterSend(standing, call, policy, now, 0.5) : afterInquiry(standing, call, policy, now, 0.5)
    const { state, inquiries, redeliveries } = decision
    standing = { ...standing, state, inquiries, redeliveries }
    said = decision.outcome ?? said
    now = decision.nextAttemptAt ?? now
  }
  return { decision: decision!, said }
}

const times = <T>(count: number, what: T): T[] => Array.from({ length: count }, () => what)
const outOfReach = undelivered('connect-failed')
const stories: readonly Story[] = [
  {
    title: 'a bank that could not be asked after a time-out',
    calls: [timeout, ...times(3, outOfReach)],
    reason: 'inquiry: connect-failed',
    code: '28003',
  },
  {
    title: 'a bank that could not be asked after a lost connection',
    calls: [lost, ...times(3, timeout)],
    reason: 'inquiry: timeout',
    code: '99090',
  },
  {
    title: 'a process that died, and a bank that could not be asked',
    calls: [nothing, ...times(3, timeout)],
    reason: 'inquiry: timeout',
    code: '94999',
  },
  {
    title: 'sent again after the ladder, and a time-out once more',
    calls: [lost, ...times(3, outOfReach), notFound, timeout],
    reason: 'timeout',
    code: '28003',
  },
  {
    title: 'sent again after the ladder, and a lost connection',
    calls: [timeout, ...times(3, outOfReach), notFound, lost],
    reason: 'connection-lost',
    code: '99090',
  },
  {
    title: 'sent again after the ladder, and not delivered',
    calls: [timeout, ...times(3, outOfReach), notFound, outOfReach],
    reason: 'not delivered again: connect-failed; an earlier sending may have arrived',
    code: '28003',
  },
  {
    title: 'sent again after the ladder, and not to be written',
    calls: [lost, ...times(3, outOfReach), notFound, unsendable],
    reason: 'cannot be written: not-in-charset; an earlier sending may have arrived',
    code: '99090',
  },
  {
    title: 'a code of no table',
    calls: [timeout, ...times(3, says('99090'))],
    reason: 'the bank answered 99090, which does not decide the debit',
    code: '99090',
    bankCode: 'B9090',
  },
  ...(['99091', '24006', '28002', '28003', '92006', '94051', '94999'] as const).map(code => ({
    title: `a bank that goes on answering ${code}`,
    standing: { verb: 'supplementaryDebit' as const },
    calls: times(4, says(code)),
    reason: `the bank answered ${code}, which does not decide the supplementaryDebit`,
    code,
    bankCode: `B${code.slice(1)}`,
  })),
  ...(['31004', '91005', '28001', '93001', '24015', '34001', '38002', '94032'] as const).map(code => ({
    title: `a bank that answers the question with ${code}`,
    calls: [timeout, ...times(3, says(code))],
    reason: `the bank answered ${code}, which does not decide the debit`,
    code: '99090',
    bankCode: `B${code.slice(1)}`,
  })),
  {
    title: 'a reversal of which the bank says that something was reversed, stopped or void',
    standing: { verb: 'reversal' },
    calls: times(4, says('24020')),
    reason: 'the bank answered 24020, which does not decide the reversal',
    code: '99090',
    bankCode: 'B4020',
  },
  {
    title: 'a success over another amount',
    calls: times(4, says('90000', amount - 1)),
    reason: 'the bank confirms another amount',
    code: '99090',
    bankCode: 'B0000',
  },
  {
    title: 'not found, of a bank that promised nothing',
    terms: { dedupe: 'none' },
    calls: [timeout, ...times(3, notFound)],
    reason: 'not found, and the same key may not be sent again: a person decides',
    code: '94054',
    bankCode: 'B4054',
  },
  {
    title: 'not found again, of a bank that got the same key as often as it may',
    calls: [timeout, ...times(3, notFound), timeout, notFound],
    reason: 'not found, and the same key may not be sent again: a person decides',
    code: '94054',
    bankCode: 'B4054',
  },
  {
    title: 'not found, of a bank that has lost its agency',
    standing: { isBarred: true },
    calls: [timeout, ...times(3, notFound)],
    reason: 'not found, and the same key may not be sent again: a person decides',
    code: '94054',
    bankCode: 'B4054',
  },
  ...([timeout, lost, nothing] as const).map(first => ({
    title: `a bank that cannot be asked, after ${first === nothing ? 'a process that died' : first.kind === 'doubtful' && first.fault}`,
    terms: { inquiry: false },
    calls: [first, ...times(3, unasked)],
    reason: 'the bank cannot be asked, and the same key may not be sent again: a person decides',
    code: first === timeout ? '28003' : first === lost ? '99090' : '94999',
  })),
  {
    title: 'a reversal not found after the bank’s day-end',
    standing: { verb: 'reversal', whole: true },
    terms: { dayEnd: '10:01' },
    calls: [timeout, ...times(3, notFound)],
    reason: 'not found, and the same key may not be sent again: a person decides',
    code: '94054',
    bankCode: 'B4054',
  },
  {
    title: 'not found after the day-end of a bank that keeps tombstones',
    terms: { dedupe: 'tombstone', tombstones: true, dayEnd: '10:01' },
    calls: [timeout, ...times(3, notFound)],
    reason: 'not found, and the bank’s day has ended: a person decides',
    code: '94054',
    bankCode: 'B4054',
  },
  {
    title: 'the same of one that cannot be asked',
    terms: { dedupe: 'tombstone', tombstones: true, inquiry: false, dayEnd: '10:01' },
    calls: [timeout, ...times(3, unasked)],
    reason: 'the bank cannot be asked, and the bank’s day has ended: a person decides',
    code: '28003',
  },
  {
    title: 'a reversal of what the bank had confirmed, and does not know',
    standing: { verb: 'reversal' },
    calls: [notFound],
    reason: 'the bank does not know the original',
    code: '94054',
    bankCode: 'B4054',
  },
]

test.each(stories)('$title', story => {
  const { decision, said } = played(story)
  expect(decision).toMatchObject({ state: 'unknown', person: true })
  const { reason, code, bankCode } = shown(story.standing?.verb ?? 'debit', decision.reason, said)
  expect([reason, code, bankCode]).toEqual([story.reason, story.code, story.bankCode ?? story.code])
  const stays = decision.outcome === undefined
  const asksOn = decision.nextAttemptAt !== undefined
  const row = rowOf({ reason, code, stays, asksOn })
  expect(row, 'a row of the table').toBeDefined()
  expect(row!.asksOn).toBe(asksOn ? '问' : '不问')
  // A row that is about what was said before begins with that, and names what it mostly is.
  if (stays && !row!.codes.startsWith(keptCode)) return
  const whose = story.bankCode === undefined ? (code === '94999' ? '一句话也没有过的' : '`bankCode` 相同') : '`bankCode` 是银行的码'
  expect(row!.codes).toContain(`\`${code}\``)
  expect(row!.codes).toContain(whose)
})

/** What the record is told to write of an original whose tombstone could not be left. */
const leftOpen = async (): Promise<string> => {
  const movement = {
    amount,
    booked: 0,
    originalId: undefined,
    reason: undefined,
    inquiries: 3,
    acceptedAt: start,
    lastSentAt: start,
    accountingDate: undefined,
  }
  const original: Movement = { ...movement, id: 1, verb: 'debit', state: 'unknown' }
  const own: Movement = { ...movement, id: 2, verb: 'reversal', state: 'refused', originalId: 1, reason: 'in-doubt' }
  const ticket: Ticket = {
    ticketNo: '143010200002611101',
    taxSystem: 'ets',
    bankCode: '4301',
    amount,
    isVoid: false,
    movements: [original, own],
    breaks: [],
    bankDay: undefined,
  }
  const written: { sql: string; values: readonly unknown[] }[] = []
  const tx = {
    execute: async (sql: string, values: readonly unknown[]) => {
      written.push({ sql, values })
      return { affectedRows: 1 }
    },
  } as unknown as Tx
  const refused = afterSend({ ...firstSent, verb: 'reversal', inDoubt: true }, says('38002'), contract, start, 0.5)
  await followEffect(tx, ticket, own, refused.effect!, { now: start, actor: 'w' })
  expect(written[0]!.sql).toContain('person = 1')
  // Nobody asks on by himself.
  expect(String(written[0]!.values[0])).toMatch(/^9999/)
  const [reason] = written.flatMap(({ sql, values }) => (sql.includes('INTO journal') ? [values.at(-1)] : []))
  return String(reason)
}

test('an original whose tombstone could not be left', async () => {
  const { reason, code, bankCode } = shown('debit', await leftOpen(), outcome('94054', 'B4054'))
  const row = rowOf({ reason, code, stays: false, asksOn: false })
  expect([code, bankCode]).toEqual(['94054', 'B4054'])
  expect(row?.codes).toContain('`bankCode` 是银行的码')
  expect(row?.asksOn).toBe('不问')
})

describe('all that can lie before a person', () => {
  /** Every kind of bank and instruction, every answer, within the window and after it, on the bank's day and after it. */
  const everything = function* (): Generator<Seen> {
    const answers: readonly Answer[] = [
      ...(Object.keys(outcomes) as UnifiedCode[]).flatMap(code => [says(code), says(code, amount - 1)]),
      timeout,
      lost,
      unsendable,
      outOfReach,
      { kind: 'undelivered', fault: 'held-back', held: true },
    ]
    const flags = [false, true] as const
    const policies = (['by-key', 'tombstone', 'none'] as const).flatMap(dedupe =>
      flags.flatMap(inquiry =>
        flags.map((tombstones): BankPolicy => ({ ...contract, dedupe, inquiry, tombstones: tombstones || dedupe === 'tombstone' })),
      ),
    )
    const standings = (['debit', 'supplementaryDebit', 'reversal'] as const).flatMap(verb =>
      [0, 3].flatMap(inquiries =>
        [0, 1].flatMap(redeliveries =>
          flags.flatMap(isBarred =>
            flags.flatMap(whole =>
              flags.map(
                (inDoubt): Standing => ({
                  ...firstSent,
                  verb,
                  inquiries,
                  redeliveries,
                  isBarred,
                  whole,
                  inDoubt: inDoubt && verb === 'reversal',
                }),
              ),
            ),
          ),
        ),
      ),
    )
    for (const policy of policies)
      for (const standing of standings)
        for (const ms of [1_000, 60_000, 86_400_000])
          for (const answer of answers)
            for (const rule of [afterSend, afterInquiry]) {
              const decision = rule(standing, answer, policy, later(start, ms), 0.5)
              if (!decision.person) continue
              const { reason, code } = shown(standing.verb, decision.reason, decision.outcome)
              yield { reason, code, stays: decision.outcome === undefined, asksOn: decision.nextAttemptAt !== undefined }
            }
  }
  const all = [...new Map([...everything()].map(seen => [JSON.stringify(seen), seen])).values()]
  test('stands in the table, with its code, and whether the gateway asks on', () => {
    expect(all.length).toBeGreaterThan(50)
    const astray = all.filter(seen => rowOf(seen)?.asksOn !== (seen.asksOn ? '问' : '不问'))
    expect(astray).toEqual([])
  })
  test('and nothing else does', async () => {
    const found = [...all, { reason: await leftOpen(), code: '94054', stays: false, asksOn: false }]
    const idle = rows.flatMap(row => row.forms.filter(form => !found.some(seen => rowOf(seen) === row && form.test(seen.reason))))
    expect(idle).toEqual([])
  })
})
