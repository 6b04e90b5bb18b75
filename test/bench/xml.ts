import iconv from 'iconv-lite'
import xml2js from 'xml2js'
import { debitRequest, type ValuesOf } from '../../sdk/catalogue.ts'
import { asIs, constant, words, ymd, yuan } from '../../sdk/cell.ts'
import { document, elements } from '../../sdk/document.ts'
import { json } from '../../sdk/json.ts'
import { parseJson } from '../../sdk/strict-json.ts'
import { cpuSeconds, type Row } from './row.ts'

const layout = document(debitRequest, 'gbk', [
  constant('3001', 'TAX/HEAD/TRAN_CODE'),
  ['officeCode', 'TAX/HEAD/ZSJG_DM', asIs],
  ['entrustDate', 'TAX/HEAD/WTRQ', ymd],
  ['serialNo', 'TAX/HEAD/JYLSH', asIs],
  ['ticketNo', 'TAX/BODY/SPHM', asIs],
  ['workDate', 'TAX/BODY/GZRQ', ymd],
  ['channel', 'TAX/BODY/SBQD', words({ DN: 'computer', DH: 'phone' })],
  ['taxpayerId', 'TAX/BODY/NSRSBH', asIs],
  ['taxpayerName', 'TAX/BODY/NSRMC', asIs],
  ['agreementNo', 'TAX/BODY/XYSH', asIs],
  ['account', 'TAX/BODY/JSZH', asIs],
  ['payerBankNo', 'TAX/BODY/KHH', asIs],
  ['treasuryCode', 'TAX/BODY/SKGK_DM', asIs],
  ['clearingNo', 'TAX/BODY/GKQSH', asIs],
  ['remittanceAccount', 'TAX/BODY/BJZH', asIs],
  ['amount', 'TAX/BODY/JE', yuan],
  elements('items', 'TAX/BODY/MXS/MX', { max: 20 }, [
    ['taxCode', 'ZSXM_DM', asIs],
    ['taxName', 'ZSXM_MC', asIs],
    ['budgetSubject', 'YSKM_DM', asIs],
    ['budgetLevel', 'YSJC', asIs],
    ['periodStart', 'SSQ_Q', ymd],
    ['periodEnd', 'SSQ_Z', ymd],
    ['amount', 'SE', yuan],
  ]),
])

const names = ['湖南湘江水泥有限责任公司', '长沙市岳麓区珅億商贸部', '张三丰', '益阳&洞庭渔业<合作社>']
const debit = (i: number): ValuesOf<typeof debitRequest> => ({
  officeCode: '14301040000',
  entrustDate: '2026-09-10',
  serialNo: String(i).padStart(8, '0'),
  ticketNo: String(i).padStart(18, '4'),
  workDate: '2026-09-10',
  channel: 'computer',
  taxpayerId: '91430100MA4L2XYZ0A',
  taxpayerName: names[i % names.length]!,
  agreementNo: `430100${String(i).padStart(8, '0')}`,
  account: `6222021901${String((i * 7919) % 1e9).padStart(9, '0')}`,
  payerBankNo: '313551080018',
  treasuryCode: '1901000000',
  clearingNo: '011551001',
  remittanceAccount: '800123456789012345',
  amount: 300_600 + 3 * i,
  items: ['增值税', '城市维护建设税', '教育费附加'].map((taxName, k) => ({
    taxCode: `1010${k}`,
    taxName,
    budgetSubject: '101010103',
    budgetLevel: '3',
    periodStart: '2026-08-01',
    periodEnd: '2026-08-31',
    amount: 100_200 + i,
  })),
})

type Tree = { [name: string]: string | Tree | Tree[] }
const day = (iso: string) => iso.replaceAll('-', '')
const money = (fen: number) => `${Math.trunc(fen / 100)}.${String(fen % 100).padStart(2, '0')}`
/** What a program that uses xml2js would write by hand. */
const treeOf = (v: ReturnType<typeof debit>): Tree => ({
  TAX: {
    HEAD: { TRAN_CODE: '3001', ZSJG_DM: v.officeCode, WTRQ: day(v.entrustDate), JYLSH: v.serialNo },
    BODY: {
      SPHM: v.ticketNo,
      GZRQ: day(v.workDate),
      SBQD: 'DN',
      NSRSBH: v.taxpayerId,
      NSRMC: v.taxpayerName,
      XYSH: v.agreementNo,
      JSZH: v.account,
      KHH: v.payerBankNo,
      SKGK_DM: v.treasuryCode,
      GKQSH: v.clearingNo,
      BJZH: v.remittanceAccount,
      JE: money(v.amount),
      MXS: {
        MX: v.items.map(item => ({
          ZSXM_DM: item.taxCode,
          ZSXM_MC: item.taxName,
          YSKM_DM: item.budgetSubject,
          YSJC: item.budgetLevel,
          SSQ_Q: day(item.periodStart),
          SSQ_Z: day(item.periodEnd),
          SE: money(item.amount),
        })),
      },
    },
  },
})
const built = (tree: Tree): Buffer =>
  iconv.encode(new xml2js.Builder({ xmldec: { version: '1.0', encoding: 'GBK' }, renderOpts: { pretty: false } }).buildObject(tree), 'gbk')
const parsed = (bytes: Uint8Array): Tree => {
  let tree: Tree = {}
  new xml2js.Parser({ explicitArray: false, async: false }).parseString(iconv.decode(Buffer.from(bytes), 'gbk'), (error, result: Tree) => {
    if (error) throw error
    tree = result
  })
  return tree
}

let kept: unknown
const keep = (value: unknown): void => {
  kept = value
}
/** Measures `rounds` times ours and then the peer. Unit: µs a message. */
const against = (name: string, goal: number, rounds: number, count: number, ours: () => void, peer: string, theirs: () => void): Row => {
  // Often enough for a clock that may count in ticks of some milliseconds.
  const times = 20
  const micros = (work: () => void): number =>
    (cpuSeconds(() => {
      for (let i = 0; i < times; i++) work()
    }) *
      1e6) /
    count /
    times
  const row: Row = { name, ours: [], peer, peers: [], unit: 'µs a message', goal, higherIsBetter: false }
  for (let i = 0; i < 3; i++) for (const work of [ours, theirs]) work()
  for (let i = 0; i < rounds; i++) {
    row.ours.push(micros(ours))
    row.peers.push(micros(theirs))
  }
  return row
}

/** A debit in GBK XML with three tax items (1.6 kB), and in strict JSON, with every check on. The peers check nothing. */
export const xmlBench = async (rounds: number): Promise<Row[]> => {
  const count = 500
  const values = Array.from({ length: count }, (_, i) => debit(i))
  const wire = values.map(value => layout.encode(value))
  const open = values.map(value => json(debitRequest).encode({ ...value, items: value.items.slice(0, 1), amount: value.items[0]!.amount }))
  for (const [i, value] of values.entries()) {
    if (!built(treeOf(value)).equals(wire[i]!)) throw new Error('xml2js builds other bytes than ours')
    if (JSON.stringify(parsed(wire[i]!)) !== JSON.stringify(treeOf(value))) throw new Error('xml2js reads other values than ours')
  }
  const each = (work: (i: number) => unknown) => (): void => {
    for (let i = 0; i < count; i++) keep(work(i))
  }
  const rows = [
    against(
      'GBK XML parse',
      3,
      rounds,
      count,
      each(i => layout.decode(wire[i]!)),
      'xml2js.Parser + iconv-lite',
      each(i => parsed(wire[i]!)),
    ),
    against(
      'GBK XML build',
      8,
      rounds,
      count,
      each(i => layout.encode(values[i]!)),
      'xml2js.Builder + iconv-lite',
      each(i => built(treeOf(values[i]!))),
    ),
    against(
      'strict JSON read',
      0.2,
      rounds,
      count,
      each(i => parseJson(open[i]!)),
      'JSON.parse',
      each(i => JSON.parse(Buffer.from(open[i]!).toString())),
    ),
  ]
  if (kept === undefined) throw new Error('nothing was read')
  return rows
}
