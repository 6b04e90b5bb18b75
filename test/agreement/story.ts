import type { Simulator } from '@taxlink/bank-conformance/simulator'
import { sampleOperators } from '../../gateway/day/operators.ts'
import type { DebitState } from '../../gateway/domain/debit.ts'
import { operatorOf, operatorUri } from '../../gateway/domain/operator.ts'
import { shanghaiDate } from '../../gateway/domain/time.ts'
import { acceptDebit } from '../../gateway/flows/accept.ts'
import { type AgreementRegistration, askAgreement, change, heardTaxpayerEvent, register } from '../../gateway/flows/agreements.ts'
import { endAgreements, syncMonth, turnCalendar } from '../../gateway/flows/calendar.ts'
import type { Flow } from '../../gateway/flows/flow.ts'
import { approve, propose } from '../../gateway/flows/proposals.ts'
import { reviewAgreement, verifyAgreement } from '../../gateway/flows/review.ts'
import type { Slots } from '../../gateway/flows/slots.ts'
import { tellBanks } from '../../gateway/flows/tell.ts'
import { orderOf } from '../gateway/stage.ts'

// The life of one three-party agreement, from March to the end: over the wire to one bank, with the clock passed in.

/** What the story is told with: the flows of the gateway, the bank at the other end of the line, and the clock, which the story moves. */
export type Teller = {
  readonly flow: Flow
  readonly slots: Slots
  readonly bankCode: string
  readonly bank: Simulator
  /** Moves the clock to ten o'clock of a day, in the province. */
  readonly day: (day: string, time?: string) => void
  /** Told what happened: a line each. */
  readonly say: (line: string) => void
}
/** What happened at a step, for a test to look at. */
export type Told = { readonly step: string; readonly [fact: string]: unknown }

const taxSystem = 'urn:taxlink:tax-system:county'
const [zhang, li] = ['zhang', 'li'].map(operatorUri) as [string, string]
const accounts = ['6222000000000000001', '6222000000000000002'] as const
const named = { taxpayerName: '长沙星城机械有限公司', officeCode: '14301020000' } as const

/** The accounts the bank of the story has. */
export const storyAccounts = accounts.map(account => ({ account, balance: 1_000_000_000, name: named.taxpayerName }))

/** Tells the story; every step is said, and returned. */
export const tellStory = async ({ flow, slots, bankCode, bank, day, say }: Teller): Promise<Told[]> => {
  const taxpayer = { ...named, taxpayerId: `9143010060001${bankCode}X` }
  const told: Told[] = []
  const { agreements } = flow.store
  const [first, second] = [`XY-${bankCode}-1`, `XY-${bankCode}-2`] as const
  const atBank = (no: string) => bank.ledger.bindings.of(no)?.state
  const stateOf = async (no: string) => (await agreements.find(no))?.state
  const tell = (step: string, zh: string, facts: object): void => {
    told.push({ step, ...facts })
    say(`${shanghaiDate(flow.clock())}  ${zh}  ${JSON.stringify(facts)}`)
  }
  /** Whatever the bank is to be told is told, until nothing is due. */
  const wire = async (): Promise<void> => {
    while ((await tellBanks(flow)) > 0);
  }
  let tickets = 0
  const debit = async (
    no: string,
    account: string,
  ): Promise<{ readonly state: DebitState; readonly code?: string; readonly rule?: string }> => {
    const ticketNo = `4300000000${bankCode}${String(++tickets).padStart(4, '0')}`
    await acceptDebit(flow, slots, taxSystem, orderOf(bankCode, ticketNo, { ...taxpayer, agreementNo: no, account }))
    await slots.idle()
    const { state, outcome } = (await flow.store.find(ticketNo))!
    const rule = state === 'refused' ? outcome?.bankText?.split(' ')[0] : undefined
    return { state, ...(outcome ? { code: outcome.code } : {}), ...(rule === undefined ? {} : { rule }) }
  }
  const registration = (agreementNo: string, account: string): AgreementRegistration => ({
    ...taxpayer,
    agreementNo,
    bankCode,
    account,
    payerBankNo: '313551000001',
    channel: 'computer',
    delivery: 'wire',
    approvedBy: 'county-0012',
  })

  day('2026-03-10')
  await register(flow, taxSystem, registration(first, accounts[0]), flow.clock())
  await wire()
  const bound = (await agreements.find(first))!
  tell('bound', '县局已审批,银行已绑定', { state: bound.state, boundOn: bound.boundOn, likeness: bound.likeness, bank: atBank(first) })
  await verifyAgreement(flow, first, zhang, '请银行核对五项资料', flow.clock())
  await wire()
  const compared = (await agreements.life(first))!.held.at(-1)!
  tell('verified', '银行核验:五项资料相同', { source: compared.source, account: compared.comparison.account, likeness: bound.likeness })
  await reviewAgreement(flow, first, 'accept', zhang, '与银行所存资料一致', flow.clock())
  tell('reviewed', '操作员复核通过,次月启用', { state: await stateOf(first), activeFrom: (await agreements.find(first))?.activeFrom })
  tell('march', '三月扣款被拒', await debit(first, accounts[0]))

  day('2026-03-31', '23:00')
  await syncMonth(flow)
  tell('month-end', '月末与银行核对', { left: (await agreements.dueSyncs(flow.clock())).filter(sync => sync.bankCode === bankCode).length })

  day('2026-04-01', '00:00')
  tell('april', '四月一日扣款成功', await debit(first, accounts[0]))
  await turnCalendar(flow)
  tell('active', '日历作业:生效', { state: await stateOf(first) })

  day('2026-09-01')
  const refused = await change(flow, taxSystem, first, registration(second, accounts[1]), flow.clock())
  tell('change refused', '一年内变更账号被拒', { rule: refused.kind === 'objected' ? refused.objection.rule : refused.kind })
  await change(flow, taxSystem, first, { ...registration(second, accounts[1]), exception: 'account-closed-by-bank' }, flow.clock())
  tell('change waits', '注明例外,等两人批准', { state: await stateOf(second) })
  await permit(flow, second)
  tell('change permitted', '两人已批准', { state: await stateOf(second) })
  bank.ledger.endDay('2026-09-02')
  day('2026-09-02')
  await wire()
  const ending = (await agreements.find(first))!
  tell('change bound', '新账号已绑定,原协议正在终止', {
    state: await stateOf(second),
    old: ending.state,
    ending: ending.ending,
    bank: atBank(first),
  })
  tell('ending', '原协议不再扣款', await debit(first, accounts[0]))
  day('2026-09-02', '10:05')
  await endAgreements(flow)
  await reviewAgreement(flow, second, 'accept', zhang, '与银行所存资料一致', flow.clock())
  tell('replaced', '原协议已终止,新协议待启用', { old: await stateOf(first), state: await stateOf(second) })

  day('2026-10-01')
  await turnCalendar(flow)
  tell('new account', '新账号扣款成功', await debit(second, accounts[1]))

  day('2027-10-01')
  tell('renewal', '期满次日扣款成功', await debit(second, accounts[1]))
  await turnCalendar(flow)
  tell('renewed', '无异议,顺延一年', { validTo: (await agreements.find(second))?.validTo })

  day('2027-11-01')
  await askAgreement(flow, taxSystem, 'suspensions', second, { orderNo: `ZF-${bankCode}` }, flow.clock())
  await wire()
  tell('suspended', '止付', { state: await stateOf(second), bank: atBank(second), ...prefixed(await debit(second, accounts[1])) })
  await askAgreement(flow, taxSystem, 'resumptions', second, { orderNo: `HF-${bankCode}` }, flow.clock())
  await wire()
  tell('resumed', '恢复', { bank: atBank(second), ...prefixed(await debit(second, accounts[1])) })

  day('2027-12-01')
  const event = { orderNo: `ZX-${bankCode}`, taxpayerId: taxpayer.taxpayerId, event: 'deregistered' } as const
  await heardTaxpayerEvent(flow, taxSystem, event, flow.clock())
  await wire()
  tell('void', '纳税人注销,协议自动失效,银行已告知', {
    state: await stateOf(second),
    bank: atBank(second),
    ...prefixed(await debit(second, accounts[1])),
  })
  return told
}

const prefixed = ({ state, code, rule }: { readonly state: string; readonly code?: string; readonly rule?: string }): object => ({
  debit: state,
  code,
  ...(rule === undefined ? {} : { rule }),
})

/** One operator proposes the exception, another permits it. */
const permit = async (flow: Flow, agreementNo: string): Promise<void> => {
  const person = operatorOf(
    flow.reference(),
    sampleOperators.find(({ name }) => name === 'zhang'),
  )
  const order = { orderNo: `P-${agreementNo}`, kind: 'change-account', content: { agreementNo }, evidence: '银行销户证明' } as const
  const proposed = await propose(flow, person!, order, flow.clock())
  if (proposed.kind !== 'proposed') throw new Error(`not proposed: ${JSON.stringify(proposed)}`)
  const decided = await approve(flow, proposed.proposal.id, li, proposed.proposal.hash, '已核对', flow.clock())
  if (decided.kind !== 'decided') throw new Error(`not decided: ${JSON.stringify(decided)}`)
}
