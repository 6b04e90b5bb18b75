import { reversalOrder } from '../flows/further.ts'
import { bodyLimits } from './body.ts'
import {
  applied,
  cursor,
  json,
  limit,
  location,
  narrowed,
  type Operation,
  prefer,
  problems,
  replayed,
  requestHeaders,
} from './operation.ts'

// What a tax system orders about a ticket beside its debit (art. 35): each order under a number of its own.

const config = { role: 'tax-system' } as const
const tags = ['冲正、补充划缴、止付 / reversals, supplementary debits, stops']
const { orderNo } = reversalOrder.fields
const byNumber = { type: 'object', required: ['orderNo'], properties: { orderNo: narrowed(orderNo) } }
const repeated =
  '同一委托编号、同一内容可任意重发,只受理一次。\n\nThe same number and content may be sent any number of times; it is accepted once.'

type Of = { readonly url: string; readonly shape: string; readonly zh: string; readonly en: string }

const post = ({ url, shape, zh, en }: Of, id: string, description: string, waits: boolean) =>
  ({
    method: 'POST',
    url,
    bodyLimit: bodyLimits.single,
    config,
    schema: {
      operationId: id,
      summary: `发起${zh} / order a ${en}`,
      description: `${description}\n\n${repeated}`,
      tags,
      headers: requestHeaders(waits ? prefer : {}),
      body: { $ref: `${shape}Order#` },
      response: {
        200: json('已有最终结果 / the outcome is final', { $ref: `${shape}#` }, { ...(waits ? applied : {}), ...replayed }),
        ...(waits
          ? {
              202: json(
                '已受理,尚无最终结果 / accepted; the outcome is not yet final',
                { $ref: `${shape}#` },
                { ...location, ...applied, ...replayed },
              ),
            }
          : {}),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  }) as const satisfies Operation

const get = ({ url, shape, zh, en }: Of, id: string, waits: boolean) =>
  ({
    method: 'GET',
    url: `${url}/:orderNo`,
    config,
    schema: {
      operationId: id,
      summary: `查询一笔${zh} / one ${en}`,
      tags,
      headers: requestHeaders(waits ? prefer : {}),
      params: byNumber,
      response: { 200: json(`${zh} / the ${en}`, { $ref: `${shape}#` }, waits ? applied : {}), ...problems(400, 404) },
    },
  }) as const satisfies Operation

const list = ({ url, shape, zh, en }: Of, id: string) =>
  ({
    method: 'GET',
    url,
    config,
    schema: {
      operationId: id,
      summary: `${zh}列表 / list of ${en}s`,
      description: '按受理顺序;next 为下一页的 cursor。 / In the order of acceptance; `next` is the cursor of the next page.',
      tags,
      headers: requestHeaders(),
      querystring: { type: 'object', additionalProperties: false, properties: { cursor, limit } },
      response: { 200: json('一页 / a page', { $ref: `${shape}Page#` }), ...problems(400) },
    },
  }) as const satisfies Operation

const reversal: Of = { url: '/v1/reversals', shape: 'Reversal', zh: '冲正', en: 'reversal' }
const supplement: Of = {
  url: '/v1/supplementary-debits',
  shape: 'SupplementaryDebit',
  zh: '补充划缴',
  en: 'supplementary debit',
}
const stop: Of = { url: '/v1/stops', shape: 'Stop', zh: '止付', en: 'stop' }

/** The operations about tickets beside their debits. */
export const furtherOperations = {
  postReversal: post(
    reversal,
    'postReversal',
    '银行日终前,全额或部分退回一笔扣款(第三十五条第一项)。原扣款结果不明的,先查明再冲正;日终后以 38002 拒绝,使用《调账通知单》。\n\nGives all or a part of a debit back before the bank’s day-end. A debit in doubt is settled first; after the day-end it is refused 38002, and the way is an adjustment notice (art. 35(1)).',
    true,
  ),
  getReversal: get(reversal, 'getReversal', true),
  listReversals: list(reversal, 'listReversals'),
  postSupplement: post(
    supplement,
    'postSupplementaryDebit',
    '银行少划缴的差额(第三十五条第二项),或经确认银行未划缴的全额(第三项)。后者不成功则电子税票作废;受理之前网关先就第三项问银行(至多等一个超时):409 的 detail 为 at-the-bank(银行答复已扣,不得补划)或 unclear(尚不能确定,稍后原样再发)。\n\nWhat the bank debited too little (art. 35(2)), or, once it is declared that it debited nothing, the whole (art. 35(3)); if that fails the ticket is void. Of art. 35(3) the gateway asks the bank first, which may take as long as any call: the detail of a 409 is at-the-bank (it has the debit, which is not debited again) or unclear (not certain yet: send the same again later).',
    true,
  ),
  getSupplement: get(supplement, 'getSupplementaryDebit', true),
  listSupplements: list(supplement, 'listSupplementaryDebits'),
  postStop: post(
    stop,
    'postStop',
    '止付一笔确定未发往银行的指令;已发出的拒绝,请使用冲正。立即有结论。\n\nStops an instruction that certainly was not sent; what was sent needs a reversal. Final at once.',
    false,
  ),
  getStop: get(stop, 'getStop', false),
  listStops: list(stop, 'listStops'),
} as const
