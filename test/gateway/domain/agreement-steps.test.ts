import { describe, expect, test } from 'vitest'
import { type AgreementState, agreementMachine, changeNeed, gate, inForce } from '../../../gateway/domain/agreement.ts'
import {
  type AgreementFacts,
  accept,
  approve,
  askVerification,
  type Changes,
  draftedFacts,
  end,
  finish,
  giveBack,
  hear,
  hearVerification,
  isStep,
  leave,
  object,
  refuse,
  release,
  resume,
  type Stepping,
  suspend,
  turn,
  voided,
} from '../../../gateway/domain/agreement-steps.ts'
import { likenessOf, type Particulars } from '../../../gateway/domain/particulars.ts'
import { shanghaiDate } from '../../../gateway/domain/time.ts'
import { randomOf } from '../../crash/random.ts'

const particulars: Particulars = {
  taxpayerId: '91440300708461136T',
  taxpayerName: '长沙星城机械有限公司',
  officeCode: '14301020000',
  bankCode: '4301',
  branch: '313551000001',
  account: '4301000000000000001',
}
const fresh = draftedFacts(particulars, false)
const on = (day: string): Date => new Date(`${day}T12:00:00+08:00`)
const now = on('2026-05-10')

describe('every state and every step, against a table written by hand', () => {
  const steps: { readonly [name: string]: (agreement: AgreementFacts) => Stepping } = {
    approve: a => approve(a, 'chief', false),
    leave,
    bound: a => hear(a, { bound: true, held: undefined, boundOn: undefined, credentialIssued: false }, now),
    unbound: a => hear(a, { bound: false, held: undefined, boundOn: undefined, credentialIssued: false }, now),
    accept: a => accept(a, [], 'zhang', now, undefined),
    giveBack,
    refuse,
    suspend: a => suspend(a, 'tax'),
    resume: a => resume(a, 'tax'),
    end: a => end(a, 'tax', now),
    void: a => voided(a, 'deregistered', 'tax'),
  }
  // To which state it leads; `=` it stands so already; `!` it cannot be.
  const expected: { readonly [S in AgreementState]: string } = {
    drafted: 'approved ! ! ! ! ! refused ! ! ended void',
    approved: '= sent bound ! ! = ! ! ! ended void',
    sent: '! = bound unbound ! ! ! ! ! ended void',
    taken: '! = bound unbound ! ! ! ! ! ended void',
    bound: '! ! = ! accepted approved refused ! ! ended void',
    unbound: '! ! bound = ! approved refused ! ! ended void',
    accepted: '! ! = ! = ! ! suspended = accepted void',
    active: '! ! = ! = ! ! suspended = active void',
    suspended: '! ! = ! = ! ! = accepted suspended void',
    refused: '! ! ! ! ! ! = ! ! ! !',
    ended: '! ! ! ! ! ! ! ! ! = !',
    lapsed: '! ! ! ! ! ! ! ! ! ! !',
    void: '! ! ! ! ! ! ! ! ! ! =',
  }
  const cells = Object.entries(expected).flatMap(([state, row]) =>
    Object.keys(steps).map((name, i): [string, string, string] => [state, name, row.split(' ')[i]!]),
  )
  test.each(cells)('%s, %s: %s', (state, name, cell) => {
    const stepping = steps[name]!({ ...fresh, state: state as AgreementState, suspendedBy: state === 'suspended' ? 'tax' : undefined })
    const shown = stepping === 'repeated' ? '=' : isStep(stepping) ? stepping.to : '!'
    expect(shown).toBe(cell)
  })
})

describe('what the bank is told', () => {
  const of = (state: AgreementState, change: Partial<AgreementFacts> = {}): AgreementFacts => ({ ...fresh, state, ...change })
  const tellOf = (stepping: Stepping) => (stepping !== 'repeated' && isStep(stepping) ? stepping.tell : undefined)
  test.each<[string, Stepping, object | undefined]>([
    ['an approval asks it to bind', approve(fresh, 'chief', false), { verb: 'bind' }],
    ['a change at the same bank to change', approve({ ...fresh, replaces: 'same-bank' }, 'chief', false), { verb: 'changeBinding' }],
    ['a change to another bank to bind', approve({ ...fresh, replaces: 'other-bank' }, 'chief', false), { verb: 'bind' }],
    ['on paper nothing', approve({ ...fresh, byPaper: true }, 'chief', false), undefined],
    ['of what never left nothing', end(of('approved'), 'tax', now), undefined],
    ['of what it may hold its end', end(of('sent'), 'tax', now), { verb: 'cancelBinding', reason: 'ended' }],
    ['of what it ended itself nothing', finish(of('active', { ending: true, endingBy: 'bank' })), undefined],
    ['of an end that was asked for', finish(of('active', { ending: true, endingBy: 'tax' })), { verb: 'cancelBinding', reason: 'ended' }],
    ['of a stop by the tax side', suspend(of('active'), 'tax'), { verb: 'suspension', action: 'suspend' }],
    ['of its own stop nothing', suspend(of('active'), 'bank'), undefined],
    ['of a void agreement', voided(of('active'), 'deregistered', 'tax'), { verb: 'cancelBinding', reason: 'deregistered' }],
    ['of an account it closed nothing', voided(of('active'), 'account-closed', 'bank'), undefined],
    ['of a refused binding', refuse(of('bound')), { verb: 'cancelBinding', reason: 'refused' }],
  ])('%s', (_, stepping, tell) => {
    expect(tellOf(stepping)).toEqual(tell)
  })
})

describe('what stands in the way', () => {
  const ruleOf = (stepping: Stepping) => (stepping !== 'repeated' && 'rule' in stepping ? stepping.rule : undefined)
  test('an exception waits for two persons, other particulars for the bank, an old agreement for its end', () => {
    expect(ruleOf(approve({ ...fresh, awaitsPermit: true }, 'chief', false))).toBe('account-within-year')
    expect(approve({ ...fresh, awaitsPermit: true }, 'chief', true)).toMatchObject({ to: 'approved' })
    expect(ruleOf(accept({ ...fresh, state: 'bound', likeness: 'differs' }, [], 'zhang', now, undefined))).toBe('particulars-differ')
    expect(ruleOf(accept({ ...fresh, state: 'bound' }, [{ ...fresh, state: 'suspended' }], 'zhang', now, undefined))).toBe(
      'another-in-force',
    )
    expect(ruleOf(resume({ ...fresh, state: 'suspended', suspendedBy: 'bank' }, 'tax'))).toBe('stopped-by-the-other-side')
  })
  test('each side ends its own stop: what both have stopped goes on when both let it', () => {
    const active = { ...fresh, state: 'active' } as const
    const stopped = { ...fresh, state: 'suspended' } as const
    const tax = { verb: 'suspension', action: 'suspend' } as const
    expect(suspend(active, 'bank')).toMatchObject({ to: 'suspended', changes: { suspendedBy: 'bank' } })
    expect(suspend({ ...stopped, suspendedBy: 'bank' }, 'tax')).toMatchObject({
      to: 'suspended',
      changes: { suspendedBy: 'both' },
      tell: tax,
    })
    expect(suspend({ ...stopped, suspendedBy: 'tax' }, 'bank')).toMatchObject({ to: 'suspended', changes: { suspendedBy: 'both' } })
    expect(suspend({ ...stopped, suspendedBy: 'both' }, 'bank')).toBe('repeated')
    expect(resume({ ...stopped, suspendedBy: 'both' }, 'bank')).toMatchObject({ to: 'suspended', changes: { suspendedBy: 'tax' } })
    expect(resume({ ...stopped, suspendedBy: 'both' }, 'tax')).toMatchObject({
      to: 'suspended',
      changes: { suspendedBy: 'bank' },
      tell: { verb: 'suspension', action: 'resume' },
    })
    expect(resume({ ...stopped, suspendedBy: 'bank' }, 'bank')).toMatchObject({ to: 'accepted', changes: { suspendedBy: null } })
  })
  test('what the bank stops before the review is not accepted until it goes on', () => {
    const bound = { ...fresh, state: 'bound', boundOn: '2026-05-02', likeness: 'exact' } as const
    const stopped = suspend(bound, 'bank')
    expect(stopped).toMatchObject({ event: 'stop', to: 'unbound', changes: {} })
    expect(ruleOf(accept({ ...bound, state: 'unbound' }, [], 'zhang', now, undefined))).toBe('not-in-this-state')
    expect(release({ ...bound, state: 'unbound' }, now)).toMatchObject({ to: 'bound', changes: {} })
    expect(release({ ...bound, state: 'unbound', boundOn: undefined }, now)).toMatchObject({ changes: { boundOn: '2026-05-10' } })
  })
  test('a further word on what is bound is kept where it says more, or otherwise', () => {
    const bound = { ...fresh, state: 'bound', likeness: 'unchecked' } as const
    const word = (held: Partial<Particulars> | undefined, credentialIssued = false) => ({
      bound: true,
      held,
      boundOn: undefined,
      credentialIssued,
    })
    expect(hear(bound, word(particulars), now)).toMatchObject({ event: 'news', to: 'bound', changes: { likeness: 'exact' } })
    expect(hear({ ...bound, state: 'active' }, word({ account: '1' }), now)).toMatchObject({
      to: 'active',
      changes: { likeness: 'differs' },
    })
    expect(hear(bound, word(undefined, true), now)).toMatchObject({ changes: { credentialIssued: true } })
    expect(hear({ ...bound, credentialIssued: true }, word(undefined, true), now)).toBe('repeated')
    // One of five, and the same: nothing is taken back of the others.
    expect(hear({ ...bound, likeness: 'exact' }, word({ account: particulars.account }), now)).toBe('repeated')
    expect(hear({ ...bound, likeness: 'exact' }, word(particulars), now)).toBe('repeated')
  })
  test('the bank compares what it has bound; what it denies is not accepted, what is exact stays so', () => {
    const bound = { ...fresh, state: 'bound', likeness: 'unchecked' } as const
    expect(askVerification(bound)).toMatchObject({ to: 'bound', tell: { verb: 'verification' } })
    expect(askVerification({ ...bound, state: 'suspended' })).toMatchObject({ to: 'suspended' })
    expect(askVerification({ ...bound, verifying: true })).toBe('repeated')
    for (const state of ['drafted', 'approved', 'sent', 'unbound', 'ended', 'void'] as const)
      expect(ruleOf(askVerification({ ...bound, state })), state).toBe('not-in-this-state')
    expect(hearVerification(bound, 'alike')).toMatchObject({ to: 'bound', changes: { likeness: 'alike' } })
    expect(hearVerification({ ...bound, likeness: 'differs' }, 'alike')).toMatchObject({ changes: { likeness: 'alike' } })
    expect(hearVerification({ ...bound, likeness: 'exact' }, 'alike')).toMatchObject({ changes: {} })
    expect(hearVerification({ ...bound, likeness: 'exact' }, 'differs')).toMatchObject({ changes: { likeness: 'differs' } })
    expect(hearVerification(bound, 'unchecked')).toMatchObject({ changes: {} })
    expect(ruleOf(hearVerification({ ...bound, state: 'ended' }, 'alike'))).toBe('not-in-this-state')
  })
  test('an account that began beside another is judged when it is accepted: inside the year of the other it is refused (art. 9)', () => {
    const before = { ...fresh, state: 'ended', accountSince: '2026-04-01' } as const
    const account = '4301000000000000002'
    const other = { ...fresh, state: 'bound', boundOn: '2026-03-02', particulars: { ...particulars, account } } as const
    expect(ruleOf(accept(other, [before], 'zhang', now, undefined))).toBe('account-within-year')
    expect(accept({ ...other, exception: 'merger' }, [before], 'zhang', now, undefined)).toMatchObject({ to: 'accepted' })
    expect(accept({ ...other, replaces: 'same-bank' }, [before], 'zhang', now, undefined)).toMatchObject({ to: 'accepted' })
    expect(accept(other, [before], 'zhang', on('2027-04-01'), undefined)).toMatchObject({ to: 'accepted' })
    expect(accept(other, [{ ...before, state: 'void' }], 'zhang', now, undefined)).toMatchObject({ to: 'accepted' })
    // The same account goes on being the taxpayer's.
    expect(accept({ ...other, particulars }, [before], 'zhang', now, undefined)).toMatchObject({ changes: { accountSince: '2026-04-01' } })
  })
  test('a day that has not come puts off nothing', () => {
    const heard = { bound: true, held: undefined, boundOn: '2026-12-31', credentialIssued: true }
    expect(hear({ ...fresh, state: 'sent' }, heard, now)).toMatchObject({ changes: { boundOn: '2026-05-10', credentialIssued: true } })
  })
  test('what is coming to its end is left to its end by the calendar', () => {
    const old = { ...fresh, state: 'active', activeFrom: '2025-01-01', validTo: '2025-12-31' } as const
    expect(turn(old, now)).toMatchObject({ event: 'renew', changes: { validTo: '2026-12-31' } })
    expect(turn({ ...old, objected: true }, now)).toMatchObject({ event: 'lapse', to: 'lapsed' })
    expect(turn({ ...old, ending: true }, now)).toBeUndefined()
  })
})

/** An agreement of the model: the facts by the steps, and beside them the same life in the words of the articles, kept by other means. */
type Lived = {
  facts: AgreementFacts
  readonly old: Lived | undefined
  readonly oracle: {
    boundOn: string
    usable: string
    lastDay: string
    objected: boolean
    stopped: Set<string>
    ending: boolean
    over: boolean
  }
}

const applied = (
  facts: AgreementFacts,
  to: AgreementState,
  { ending, enabled, objectedAt, suspendedBy, ...rest }: Changes,
): AgreementFacts => {
  const { approvedBy: _a, voidReason: _v, credentialIssued: _c, likeness, ...dates } = rest
  return {
    ...facts,
    ...dates,
    state: to,
    ...(likeness === undefined ? {} : { likeness: likeness ?? undefined }),
    ...(enabled ? { enabled: true } : {}),
    ...(objectedAt ? { objected: true } : {}),
    ...(suspendedBy === undefined ? {} : { suspendedBy: suspendedBy ?? undefined }),
    ...(ending ? { ending: true, endingBy: ending.by } : {}),
  }
}

const monthOf = (day: string): string => day.slice(0, 7)
/** A year later by the calendar of JavaScript, not by ours. */
const yearOn = (day: string, back = 0): string => {
  const at = new Date(`${day}T00:00:00Z`)
  at.setUTCFullYear(at.getUTCFullYear() + 1)
  at.setUTCDate(at.getUTCDate() - back)
  return at.toISOString().slice(0, 10)
}

describe.each([20_260_101, 7])('1,000 agreements of 300 taxpayers over five years, seed %i', seed => {
  test('no debit outside its rule, never two in force for one taxpayer, no account changed inside its year unpermitted', () => {
    const random = randomOf(seed)
    const lives: Lived[][] = Array.from({ length: 300 }, () => [])
    let made = 0
    let passed = 0
    let refusedDebits = 0
    const accountOf = (n: number): string => `4301${String(n).padStart(15, '0')}`
    const beside = (own: Lived[], one: Lived): AgreementFacts[] => own.filter(each => each !== one).map(each => each.facts)
    const step = (one: Lived, act: (facts: AgreementFacts) => Stepping): boolean => {
      const stepping = act(one.facts)
      if (stepping === 'repeated' || !isStep(stepping)) return false
      expect(agreementMachine.isFinal(one.facts.state)).toBe(false)
      one.facts = applied(one.facts, stepping.to, stepping.changes)
      return true
    }
    for (let n = 0; n < 5 * 365; n++) {
      const at = new Date(Date.parse('2026-01-01T12:00:00+08:00') + n * 86_400_000)
      const today = shanghaiDate(at)
      for (const own of lives) {
        for (const one of own) {
          const event = turn(one.facts, at)
          if (event) {
            one.facts = applied(one.facts, event.to, event.changes)
            if (event.event === 'renew') one.oracle.lastDay = yearOn(one.oracle.lastDay)
            if (event.event === 'lapse') one.oracle.over = true
          }
        }
        if (!random.percent(4)) continue
        const one = own.at(-1)
        const current = own.find(each => inForce.has(each.facts.state) && !each.facts.ending)
        if (made < 1_000 && (!one || agreementMachine.isFinal(one.facts.state) || (current && random.percent(6)))) {
          const last = current ?? own.findLast(each => each.facts.accountSince !== undefined && each.facts.state !== 'void')
          const account = last && random.percent(40) ? last.facts.particulars.account : accountOf(made * 1_000 + random.whole(1, 9))
          const next: Particulars = { ...particulars, taxpayerId: String(lives.indexOf(own)), account }
          const need = last ? changeNeed(last.facts, next, at) : 'free'
          const exception = need === 'exception-and-second-person'
          // The rule once more in the words of article 9.
          const young = last && account !== last.facts.particulars.account && today < yearOn(last.facts.accountSince ?? '9999-01-01')
          expect(exception).toBe(Boolean(young))
          own.push({
            facts: {
              ...fresh,
              particulars: next,
              awaitsPermit: exception,
              exception: exception ? 'merger' : undefined,
              replaces: current ? 'same-bank' : 'none',
              byPaper: random.percent(20),
            },
            old: current,
            oracle: { boundOn: '', usable: '', lastDay: '', objected: false, stopped: new Set(), ending: false, over: false },
          })
          made++
          continue
        }
        if (!one) continue
        const target = random.percent(80) ? one : random.pick(own)
        const { oracle } = target
        const since = target.old?.facts.particulars.account === target.facts.particulars.account ? target.old.facts.accountSince : undefined
        switch (random.whole(0, 13)) {
          case 0:
          case 1:
            step(target, facts => approve(facts, 'chief', random.percent(60)))
            break
          case 2:
          case 3:
            step(target, leave)
            break
          case 4:
          case 5: {
            const isNews = target.facts.state === 'bound' || inForce.has(target.facts.state)
            const held = random.percent(80) ? target.facts.particulars : { ...target.facts.particulars, account: '1' }
            if (step(target, facts => hear(facts, { bound: random.percent(90), held, boundOn: today, credentialIssued: false }, at))) {
              if (isNews || target.facts.state !== 'bound') break
              oracle.boundOn = today
              expect(target.facts.likeness).toBe(
                held.account === '1' ? 'differs' : likenessOf(undefined) === 'unchecked' ? 'exact' : 'never',
              )
              if (target.old && step(target.old, facts => end(facts, 'bank', at))) target.old.oracle.ending = true
            }
            break
          }
          case 6:
          case 7:
            if (step(target, facts => accept(facts, beside(own, target), 'zhang', at, since))) {
              const [year, month] = oracle.boundOn.split('-').map(Number) as [number, number]
              const first = new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10)
              oracle.usable = first > today ? first : today
              oracle.lastDay = yearOn(oracle.usable, 1)
              expect(target.facts.likeness).not.toBe('differs')
              expect(own.filter(each => inForce.has(each.facts.state))).toEqual([target])
            }
            break
          case 8:
            step(target, random.percent(50) ? giveBack : refuse)
            break
          case 9:
            {
              const side = random.percent(50) ? 'tax' : 'bank'
              if (step(target, facts => suspend(facts, side)) && target.facts.state === 'suspended') oracle.stopped.add(side)
            }
            break
          case 10:
            {
              const side = random.percent(50) ? 'tax' : 'bank'
              if (step(target, facts => resume(facts, side))) oracle.stopped.delete(side)
            }
            break
          case 11:
            if (random.percent(15) && step(target, facts => end(facts, 'tax', at))) {
              if (target.facts.state === 'ended') oracle.over = true
              else oracle.ending = true
            }
            break
          case 12:
            if (step(target, finish)) oracle.over = true
            break
          case 13:
            if (random.percent(20) && step(target, facts => voided(facts, 'deregistered', 'tax'))) oracle.over = true
            if (random.percent(5) && step(target, facts => object(facts, at))) oracle.objected = true
            break
        }
        // A debit under any of the taxpayer's, on any day.
        const debited = random.pick(own)
        const refusal = gate(debited.facts, debited.facts.particulars, at)
        if (refusal) refusedDebits++
        else {
          passed++
          const { oracle: lived } = debited
          expect(lived).toMatchObject({ stopped: new Set(), ending: false, over: false })
          expect(monthOf(lived.boundOn) < monthOf(today)).toBe(true)
          expect(today >= lived.usable).toBe(true)
          expect(today <= lived.lastDay || !lived.objected).toBe(true)
          expect(debited.facts.enabled).toBe(true)
          expect(debited.facts.awaitsPermit && debited.facts.state === 'drafted').toBe(false)
        }
      }
    }
    expect(made).toBe(1_000)
    expect(passed).toBeGreaterThan(1_000)
    expect(refusedDebits).toBeGreaterThan(1_000)
  })
})
