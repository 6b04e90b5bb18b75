// Writes the sample filing day: `node gateway/day/make.ts`. The same seed gives the same bytes.
import { writeFileSync } from 'node:fs'
import type { ImportRow } from '../flows/import.ts'
import type { DebitOrder } from '../flows/order.ts'
import type { DayEndPlan } from './day-end.ts'
import type { FurtherOrder, Outage } from './further.ts'
import type { KindName } from './kinds.ts'

type Account = { account: string; name: string; balance: number; state?: string; agreementNo: string | null; taxpayerId: string }
type Rule = { when: { ticketNo: string; verb?: 'debit' | 'reversal' }; do: string; ms?: number; fen?: number }

const banks = ['4301', '4306', '4310'] as const
const offices = ['14301020000', '14301030000', '14301040000', '14301210000', '14302020000', '14303020000', '14306020000', '14307020000']
const places = ['长沙', '株洲', '湘潭', '岳阳', '常德', '益阳', '浏阳', '宁乡', '醴陵', '汨罗']
// Characters of GB2312, of GBK only (喆堃珺昇祎镕), and with trail bytes 0x5C and 0x7C (億珅誠倈) stand in the names.
const names = [
  '星城',
  '湘江',
  '洞庭',
  '岳麓',
  '喆华',
  '堃达',
  '珺瑶',
  '昇平',
  '祎诚',
  '镕基',
  '億达',
  '珅瑞',
  '誠信',
  '倈福',
  '天心',
  '橘洲',
  '芙蓉',
  '浏阳河',
]
const trades = ['机械', '建材', '茶业', '电子', '物流', '食品', '陶瓷', '烟花', '医药', '纺织', '农资', '印务']
const forms = ['有限公司', '股份有限公司', '有限责任公司', '(集团)有限公司', '厂', '经营部']
const taxes = [
  { taxCode: '10101', taxName: '增值税', budgetSubject: '101010106', budgetLevel: '1' },
  { taxCode: '10102', taxName: '消费税', budgetSubject: '101020106', budgetLevel: '0' },
  { taxCode: '10104', taxName: '企业所得税', budgetSubject: '101043300', budgetLevel: '1' },
  { taxCode: '10109', taxName: '城市维护建设税', budgetSubject: '101090600', budgetLevel: '3' },
] as const

let state = 20_261_110n
const random = (n: number): number => {
  state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) & 0xffff_ffff_ffff_ffffn
  return Number((state >> 33n) % BigInt(n))
}
const pick = <T>(from: readonly T[]): T => from[random(from.length)]!
const digit = (n: number): string => Array.from({ length: n }, () => random(10)).join('')

const accounts: Record<string, Account[]> = { '4301': [], '4306': [], '4310': [] }
const plans: Record<string, Rule[]> = { '4301': [], '4306': [], '4310': [] }
const orders: DebitOrder[] = []
const agreements: ImportRow[] = []

const itemsOf = (amount: number, count: number): DebitOrder['items'] => {
  const parts: number[] = []
  let rest = amount
  for (let left = count; left > 1 && rest > left; left--) {
    const part = 1 + random(Math.min(2_000_000_000, Math.floor(rest / left)))
    parts.push(part)
    rest -= part
  }
  parts.push(rest)
  return parts.map((part, i) => ({ ...taxes[i % taxes.length]!, periodStart: '2026-10-01', periodEnd: '2026-10-31', amount: part }))
}

type Wish = Partial<DebitOrder> & { balance?: number; state?: string; agreement?: null; count?: number; unknownAccount?: true }
const add = (bankCode: string, wish: Wish = {}, deed?: Omit<Rule, 'when'>): DebitOrder => {
  const serial = orders.length + 1
  const ticketNo = `3430126110${String(serial).padStart(8, '0')}`
  const amount = wish.amount ?? 100 + random(10 ** (4 + random(6)))
  const taxpayerName = wish.taxpayerName ?? `${pick(places)}${pick(names)}${pick(trades)}${pick(forms)}`
  const account = `${bankCode}${digit(15)}`
  const taxpayerId = `9143${digit(13)}X`
  const agreementNo = `XY${bankCode}${String(serial).padStart(8, '0')}`
  if (accounts[bankCode] && !wish.unknownAccount) {
    accounts[bankCode].push({
      account,
      name: taxpayerName,
      balance: wish.balance ?? amount + random(10_000_000),
      agreementNo: wish.agreement === null ? null : agreementNo,
      taxpayerId,
      ...(wish.state ? { state: wish.state } : {}),
    })
  }
  const order: DebitOrder = {
    ticketNo,
    officeCode: wish.officeCode ?? pick(offices.filter(o => bankCode !== '4310' || o !== '14303020000')),
    bankCode,
    channel: random(10) === 0 ? 'phone' : 'computer',
    taxpayerId,
    taxpayerName,
    agreementNo,
    account,
    payerBankNo: `313551${digit(6)}`,
    amount,
    items: itemsOf(amount, wish.count ?? 1 + random(4)),
  }
  orders.push(order)
  // What the banks bound on paper before the province came over (推广期); of an office that nobody knows there is no agreement.
  if (accounts[bankCode] && wish.agreement !== null && order.officeCode !== '14309990000')
    agreements.push({
      agreementNo,
      officeCode: order.officeCode,
      bankCode,
      payerBankNo: order.payerBankNo,
      account,
      taxpayerId,
      taxpayerName,
      channel: order.channel,
      delivery: 'paper',
      approvedBy: 'county-sample',
      boundOn: '2025-01-15',
      heldTaxpayerId: taxpayerId,
      heldTaxpayerName: taxpayerName,
      heldOfficeCode: order.officeCode,
      heldPayerBankNo: order.payerBankNo,
      heldAccount: account,
    })
  // A bank that lies about a debit tells the truth about what its remedy asks.
  const lies = ['under-booking', 'over-booking', 'booked-twice', 'refused-after-booking', 'next-day-booking', 'taken-back']
  const only = deed && lies.includes(deed.do) ? { verb: 'debit' as const } : {}
  if (deed) plans[bankCode]!.push({ when: { ticketNo: ticketNo.slice(-8), ...only }, ...deed })
  return order
}

for (let i = 0; i < 300; i++) add(banks[i % 3]!)
// The ends of the range: 1 fen, and 99,999,999,999.99 yuan.
for (const bank of banks) {
  add(bank, { amount: 1, count: 1 })
  add(bank, { amount: 9_999_999_999_999, balance: 9_999_999_999_999, count: 4 })
  // Twelve items: more than fit on 湘江银行's page, which refuses by name.
  add(bank, { count: 12 })
}
// Characters that only GB18030 has: the open bank takes them, the GBK banks cannot and the debit is refused with the field's name.
for (const bank of banks) add(bank, { taxpayerName: '长沙𬎆㛃科技有限公司' })
// Each kind of refusal by the bank.
for (const bank of banks) {
  add(bank, { amount: 50_000, balance: 49_999 })
  add(bank, { unknownAccount: true })
  for (const closed of ['frozen', 'closed', 'lost', 'stopped']) add(bank, { state: closed })
  add(bank, { agreement: null })
}
// Each kind of refusal by our own rules: unknown and disabled bank, unmapped office, unknown office, no remittance account.
add('4388')
add('4399')
add('4301', { officeCode: '14307260000' })
add('4306', { officeCode: '14309990000' })
add('4310', { officeCode: '14303020000' })
// A few faults of each bank: after each of them the money's fate is found out by inquiry.
for (const bank of banks) {
  add(bank, {}, { do: 'slow', ms: 700 })
  add(bank, {}, { do: 'silent-after-booking' })
  add(bank, {}, { do: 'drop-after-booking' })
  add(bank, {}, { do: 'late', ms: 2_500 })
  add(bank, {}, { do: 'late-booking', ms: 2_500 })
  add(bank, {}, { do: 'unlisted-code' })
  add(bank, {}, { do: 'in-progress-then-done', ms: 800 })
  add(bank, {}, { do: 'drop-before-booking' })
  add(bank, { amount: 70_000, balance: 60_000 }, { do: 'silent-after-booking' })
}

// What is ordered about a ticket after its debit (art. 35).
const further: FurtherOrder[] = []
const reverse = ({ ticketNo }: DebitOrder, amount: number, reason: 'duplicate' | 'over-debited' | 'tax-side', n = 1): void =>
  void further.push({ reversal: { orderNo: `CZ-${ticketNo}-${n}`, ticketNo, amount, reason } })
// What the banks get wrong, kind by kind (art. 35).
const dayEnd: { -readonly [K in keyof DayEndPlan]: DayEndPlan[K][number][] } = { planted: [], unsent: [], fileRules: [] }
const plant = (kind: KindName, { bankCode, ticketNo }: DebitOrder): void => void dayEnd.planted.push({ kind, bankCode, ticketNo })
/** The bank says that it took all and took `booked`: two operators declare the break, the tax side orders what is missing. */
const supplement = (kind: KindName, order: DebitOrder, booked: number, reason: 'under-debited' | 'bank-missing'): void => {
  const { ticketNo, amount } = order
  const missing = amount - booked
  plant(kind, order)
  further.push({
    declaration: { orderNo: `DB-${ticketNo}`, ticketNo, kind: reason, bankAmount: booked, evidence: '银行书面答复' },
    supplement: { orderNo: `BH-${ticketNo}`, ticketNo, reason, amount: missing, items: itemsOf(missing, 1) },
  })
}
for (const bank of banks) {
  // Given back: all, a part, a part and the rest, and one whose answer was lost; one that was refused has nothing to give back.
  reverse(add(bank, { amount: 120_000 }), 120_000, 'tax-side')
  reverse(add(bank, { amount: 88_888 }), 8_888, 'over-debited')
  const inTwo = add(bank, { amount: 300_000 })
  reverse(inTwo, 100_000, 'over-debited')
  reverse(inTwo, 200_000, 'tax-side', 2)
  reverse(add(bank, { amount: 45_600 }, { do: 'silent-after-booking' }), 45_600, 'duplicate')
  reverse(add(bank, { amount: 20_000, balance: 19_999 }), 20_000, 'tax-side')
  // Supplemented: what the bank took too little, what it did not take at all, and that where the account has no longer enough: the ticket is void.
  supplement('under-declared', add(bank, { amount: 66_000 }, { do: 'under-booking', fen: 60_000 }), 60_000, 'under-debited')
  supplement('missing-declared', add(bank, { amount: 51_200 }, { do: 'under-booking', fen: 0 }), 0, 'bank-missing')
  supplement('void-declared', add(bank, { amount: 73_500, balance: 700 }, { do: 'under-booking', fen: 0 }), 0, 'bank-missing')
}
// A bank's line is down when the day begins: what is sent to it meanwhile waits. Two of the three are stopped, the third goes out when it is up.
const waiting = [add('4306'), add('4306'), add('4306')]
const outage: Outage = {
  outage: '4306',
  tickets: waiting.map(order => order.ticketNo),
  stops: waiting.slice(0, 2).map(({ ticketNo }) => ({ orderNo: `ZF-${ticketNo}`, ticketNo })),
}

// What nobody knows before their files are matched: on the line, in their books, and in the file of the first session alone. A notice is the county's.
const county = '14301020000'
const lie = (bank: string, kind: KindName, wish: Wish, deed?: Omit<Rule, 'when'>): DebitOrder => {
  const order = add(bank, { balance: 9_000_000, officeCode: county, ...wish }, deed)
  plant(kind, order)
  return order
}
const inFile: readonly (readonly [KindName, string])[] = [
  ['wrong-account', 'wrong-account'],
  ['wrong-office', 'wrong-office'],
  ['wrong-date', 'wrong-date'],
  ['wrong-ticket', 'wrong-ticket'],
  ['core-missing', 'core-missing'],
  ['core-differs', 'core-differs'],
  ['left-out', 'line-missing'],
  ['listed-failed', 'status-failed'],
  ['listed-reversed', 'status-reversed'],
]
for (const bank of banks) {
  const { account } = lie(bank, 'over', { amount: 31_000 }, { do: 'over-booking', fen: 700 })
  lie(bank, 'twice', { amount: 32_000 }, { do: 'booked-twice' })
  lie(bank, 'under', { amount: 33_000, count: 1 }, { do: 'under-booking', fen: 20_000 })
  lie(bank, 'missing', { amount: 34_000, count: 1 }, { do: 'under-booking', fen: 0 })
  lie(bank, 'missing-void', { amount: 34_500, balance: 900 }, { do: 'under-booking', fen: 0 })
  lie(bank, 'returned', { amount: 35_000 }, { do: 'refused-after-booking' })
  lie(bank, 'adopted', { amount: 35_500 }, { do: 'refused-after-booking' })
  lie(bank, 'next-day', { amount: 36_000 }, { do: 'next-day-booking' })
  lie(bank, 'taken-back', { amount: 36_500 }, { do: 'taken-back' })
  const kept = lie(bank, 'not-given-back', { amount: 37_000 })
  reverse(kept, kept.amount, 'tax-side')
  plans[bank]!.push({ when: { ticketNo: kept.ticketNo.slice(-8), verb: 'reversal' }, do: 'under-booking', fen: 0 })
  for (const [at, [kind, deed]] of inFile.entries()) {
    const { ticketNo } = lie(bank, kind, { amount: 38_000 + at * 100 })
    dayEnd.fileRules.push({ bankCode: bank, rule: { when: { ticketNo }, do: deed, until: 1 } })
  }
  const unsent = { bankCode: bank, officeCode: county, ticketNo: `3430126119${bank}0001`, account, amount: 39_000 }
  dayEnd.planted.push({ kind: 'unsent', bankCode: bank, ticketNo: unsent.ticketNo })
  dayEnd.unsent.push(unsent)
}

const here = import.meta.dirname
const lines = (of: readonly object[]): string => of.map(each => `${JSON.stringify(each)}\n`).join('')
writeFileSync(`${here}/orders.jsonl`, lines(orders))
writeFileSync(`${here}/agreements.jsonl`, lines(agreements))
writeFileSync(`${here}/further.jsonl`, lines([outage, ...further]))
writeFileSync(`${here}/day-end.json`, `${JSON.stringify(dayEnd, undefined, 2)}\n`)
for (const bank of banks) {
  writeFileSync(`${here}/accounts-${bank}.json`, `[\n${accounts[bank]!.map(a => `  ${JSON.stringify(a)}`).join(',\n')}\n]\n`)
  writeFileSync(`${here}/plan-${bank}.json`, `[\n${plans[bank]!.map(r => `  ${JSON.stringify(r)}`).join(',\n')}\n]\n`)
}
