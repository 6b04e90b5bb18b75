import { describe, expect, test } from 'vitest'
import { type CityState, cityMachine, type QualificationState, qualificationMachine } from '../../../gateway/domain/qualification.ts'
import { withRegistry } from '../../../gateway/domain/reference.ts'
import {
  type Dossier,
  dossierOf,
  judgeLine,
  noDossier,
  type Order,
  type RegistryLine,
  registryOf,
} from '../../../gateway/domain/registry.ts'
import { sampleReference } from '../stage.ts'

const provinces = Object.keys(qualificationMachine.table) as QualificationState[]
const cities = Object.keys(cityMachine.table) as CityState[]
const provinceEvents = ['apply', ...new Set(provinces.flatMap(state => Object.keys(qualificationMachine.table[state])))] as Order['event'][]
const cityEvents = ['prepare', ...new Set(cities.flatMap(state => Object.keys(cityMachine.table[state])))] as Order['event'][]
const today = '2026-11-10'
const city = '14301000000'
const complete: Dossier = {
  ...noDossier,
  evidence: new Set(['standing', 'software', 'clearing', 'conduct']),
  certificateValidTo: today,
}
const judge = (dossier: Dossier, event: Order['event'], cityCode?: string) => {
  const said = judgeLine(dossier, { event, cityCode, content: {} }, today)
  return 'rule' in said ? said.rule : said.state
}

describe('cell by cell', () => {
  test.each([undefined, ...provinces])('in the province, from %s', province => {
    for (const event of provinceEvents) {
      const to = province && qualificationMachine.next(province, event as 'agree')
      const begins = event === 'apply' && (province === undefined || province === 'declined')
      const not = province === undefined && event !== 'apply' ? 'bank-not-registered' : 'no-such-step'
      expect(judge({ ...complete, province }, event), event).toBe(begins ? 'applied' : (to ?? not))
    }
  })
  test.each([undefined, ...cities])('in a city of a province that has qualified it, from %s', state => {
    const dossier: Dossier = { ...complete, province: 'qualified', cities: state ? new Map([[city, state]]) : new Map() }
    for (const event of cityEvents) {
      const to = state && cityMachine.next(state, event as 'report')
      const begins = event === 'prepare' && (state === undefined || state === 'revoked')
      expect(judge(dossier, event, city), event).toBe(begins ? 'preparing' : (to ?? 'no-such-step'))
    }
  })
  test.each([undefined, ...provinces.filter(state => state !== 'qualified')])(
    'where the province says %s, a city only takes back or away',
    province => {
      for (const state of cities)
        for (const event of cityEvents) {
          const dossier: Dossier = { ...complete, province, cities: new Map([[city, state]]) }
          const isBack = ['return', 'suspend', 'revoke'].includes(event)
          const to = cityMachine.next(state, event as 'report')
          expect(judge(dossier, event, city)).toBe(isBack ? (to ?? 'no-such-step') : 'bank-not-qualified')
        }
    },
  )
  test.each(['evidence', 'account', 'contract'] as const)('%s is kept while something may come of it, and moves nothing', event => {
    expect(judge(noDossier, event)).toBe('bank-not-registered')
    for (const province of provinces)
      expect(judge({ ...complete, province }, event)).toBe(qualificationMachine.isFinal(province) ? 'application-over' : province)
  })
})

test('a city assesses what is open there or was, a time that is over, and each time once', () => {
  const assess = (state: CityState | undefined, from: string, to: string, last?: string) => {
    const dossier: Dossier = {
      ...complete,
      province: 'suspended',
      cities: state ? new Map([[city, state]]) : new Map(),
      assessments: last === undefined ? new Map() : new Map([[city, { to: last, verdict: 'meets' }]]),
    }
    const said = judgeLine(dossier, { event: 'assess', cityCode: city, content: { from, to } }, today)
    return 'rule' in said ? said.rule : said.state
  }
  for (const state of [undefined, ...cities])
    expect(assess(state, '2026-07-01', '2026-09-30')).toBe(state === 'active' || state === 'suspended' ? state : 'no-such-step')
  expect(assess('active', '2026-07-01', '2026-11-09')).toBe('active')
  expect(assess('active', '2026-07-01', today)).toBe('assessment-of-the-future')
  expect(assess('active', '2026-07-01', '2026-09-30', '2026-07-01')).toBe('assessed-already')
  expect(assess('active', '2026-07-02', '2026-09-30', '2026-07-01')).toBe('active')
  const made = dossierOf([
    line('assess', 'active', { to: '2026-06-30', verdict: 'fails' }, city),
    line('assess', 'active', { to: '2026-09-30', verdict: 'meets' }, city),
  ])
  expect([...made.assessments]).toEqual([[city, { to: '2026-09-30', verdict: 'meets' }]])
})

test('a certificate is renewed where there is one, for days to come, and moves nothing', () => {
  const renew = (dossier: Dossier, validTo: string) => {
    const said = judgeLine(dossier, { event: 'renew', cityCode: undefined, content: { validTo } }, today)
    return 'rule' in said ? said.rule : said.state
  }
  expect(renew(noDossier, '2027-11-10')).toBe('bank-not-registered')
  for (const province of provinces) {
    const has = ['certified', 'qualified', 'suspended'].includes(province)
    expect(renew({ ...complete, province }, today), province).toBe(has ? province : 'no-such-step')
  }
  expect(renew({ ...complete, province: 'qualified' }, '2026-11-09')).toBe('certificate-over')
  const certify = { event: 'certify', cityCode: undefined, content: { validTo: '2026-11-09' } } as const
  expect(judgeLine({ ...complete, province: 'agreed' }, certify, today)).toMatchObject({ rule: 'certificate-over' })
})

describe('the conditions of article 27', () => {
  test.each(['standing', 'software', 'clearing', 'conduct'] as const)(
    'without evidence of %s nothing is qualified or resumed',
    condition => {
      const evidence = new Set([...complete.evidence].filter(one => one !== condition))
      expect(judge({ ...complete, evidence, province: 'certified' }, 'qualify')).toBe('conditions-without-evidence')
      expect(judge({ ...complete, evidence, province: 'suspended' }, 'resume')).toBe('conditions-without-evidence')
    },
  )
  test('nor is a city opened, or opened again, with a certificate that is over; what is open stays open', () => {
    const dossier: Dossier = { ...complete, certificateValidTo: '2026-11-09', province: 'qualified' }
    for (const [state, event, said] of [
      ['ready', 'approve', 'conditions-without-evidence'],
      ['approved', 'activate', 'conditions-without-evidence'],
      ['suspended', 'resume', 'conditions-without-evidence'],
      ['preparing', 'report', 'reported'],
      ['active', 'suspend', 'suspended'],
    ] as const)
      expect(judge({ ...dossier, cities: new Map([[city, state]]) }, event, city)).toBe(said)
  })
  test('nor with a certificate that is over', () => {
    expect(judge({ ...complete, certificateValidTo: '2026-11-09', province: 'certified' }, 'qualify')).toBe('conditions-without-evidence')
    expect(judge({ ...complete, certificateValidTo: '2026-11-09', province: 'suspended' }, 'resume')).toBe('conditions-without-evidence')
  })
})

let ids = 0
const line = (event: RegistryLine['event'], state: string, content: RegistryLine['content'] = {}, cityCode?: string): RegistryLine => ({
  id: ++ids,
  bankCode: '4301',
  cityCode,
  event,
  state,
  content,
  actor: 'urn:taxlink:operator:li',
  at: new Date('2026-11-10T01:00:00.000Z'),
  proposalId: undefined,
})
const account = (from: string, no: string, to?: string) =>
  line('account', 'qualified', { treasuryCode: '18010000', account: no, leadBranch: '营业部', from, ...(to === undefined ? {} : { to }) })

describe('what the lines make', () => {
  test('states, papers and the certificate', () => {
    const lines = [
      line('apply', 'applied'),
      line('evidence', 'applied', { condition: 'software' }),
      line('agree', 'agreed'),
      line('certify', 'certified', { validTo: '2027-11-10' }),
      line('prepare', 'preparing', {}, city),
      line('report', 'reported', {}, city),
    ]
    const made = dossierOf(lines)
    expect(made).toMatchObject({ province: 'certified', certificateValidTo: '2027-11-10' })
    expect([...made.evidence]).toEqual(['software'])
    expect([...made.cities]).toEqual([[city, 'reported']])
    expect(dossierOf([...lines, line('renew', 'certified', { validTo: '2029-11-10' })]).certificateValidTo).toBe('2029-11-10')
    expect(dossierOf([...lines, line('decertify', 'agreed')]).certificateValidTo).toBeUndefined()
  })
  test('a new application is judged by new papers', () => {
    const again = dossierOf([
      line('apply', 'applied'),
      line('evidence', 'applied', { condition: 'software' }),
      line('agree', 'agreed'),
      line('certify', 'certified', { validTo: '2027-11-10' }),
      line('decline', 'declined'),
      line('apply', 'applied'),
    ])
    expect([again.province, again.evidence.size, again.certificateValidTo]).toEqual(['applied', 0, undefined])
  })
  test('accounts stand in the order in which they begin; of two that begin together the later line counts', () => {
    const made = dossierOf([
      line('apply', 'applied'),
      account('2026-12-01', 'B'),
      account('2026-01-01', 'A'),
      account('2026-12-01', 'C', '2026-12-31'),
    ])
    expect(made.accounts.get('18010000')!.map(term => term.account)).toEqual(['A', 'B', 'C'])
  })
  test('reference data takes banks, accounts and the contract of the day from it', () => {
    const sample = sampleReference()
    const policy = { ...sample.banks.get('4301')!.policy, timeoutMs: 7_000 }
    const registry = registryOf([
      line('apply', 'applied'),
      account('2026-01-01', 'A'),
      line('contract', 'applied', { from: '2026-12-01', policy }),
    ])
    const on = (day: string) => withRegistry(sample, registry, day)
    expect(on('2026-11-30').banks.get('4301')).toMatchObject({ province: 'applied', policy: { timeoutMs: 250 } })
    expect(on('2026-12-01').banks.get('4301')).toMatchObject({ province: 'applied', policy: { timeoutMs: 7_000 } })
    // What was in force before, and until when: what was sent is judged by it, too.
    const again = { ...policy, timeoutMs: 9_000 }
    const twice = registryOf([
      line('contract', 'applied', { from: '2026-12-01', policy }),
      line('contract', 'applied', { from: '2026-12-05', policy: again }),
    ])
    const earlierOn = (day: string) =>
      (withRegistry(sample, twice, day).banks.get('4301')!.earlier ?? []).map(({ until, policy: of }) => [until, of.timeoutMs])
    expect(earlierOn('2026-11-30')).toEqual([])
    expect(earlierOn('2026-12-01')).toEqual([['2026-12-01', 250]])
    expect(earlierOn('2026-12-05')).toEqual([
      ['2026-12-01', 250],
      ['2026-12-05', 7_000],
    ])
    expect(on('2026-12-01').remittance.get('4301/18010000')).toHaveLength(1)
    // What the registry does not know has no agency.
    expect(on('2026-12-01').banks.get('4306')).toMatchObject({ province: undefined, cities: new Map() })
  })
})
