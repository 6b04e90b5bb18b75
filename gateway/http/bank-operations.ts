import { exchanges, type Message, type Push, schemaOf } from '@taxlink/bank-sdk'
import { bodyLimits } from './body.ts'
import { json, type Operation, problems, requestHeaders } from './operation.ts'

// What a bank of the unified interface tells of its own accord. Banks with a dialect of their own are heard on lines of their own.

const config = { role: 'bank' } as const
const tags = ['统一银行接口 / unified bank interface']
const repeated =
  '没有回执就不作数:以同一主键原样再发,直到收到回执;同样的内容回执相同。同一主键、不同内容,回执为 92006。\n\nWithout a receipt nothing is certain: send the same again under the same key. The same gets the same receipt; another content under the same key gets 92006.'

/** The schema of a message without its `$id`, which would move the base of references. */
const shapeOf = (message: Message): object => {
  const { $id: _id, ...schema } = schemaOf(message)
  return schema
}

const tell = <const P extends Push>(push: P, url: string) => {
  const { request, reply } = exchanges[push]
  return {
    method: 'POST',
    url,
    bodyLimit: bodyLimits.single,
    config,
    schema: {
      operationId: push,
      summary: `${request.zh} / ${request.en}`,
      description: repeated,
      tags,
      headers: requestHeaders(),
      body: shapeOf(request),
      response: { 200: json(`${reply.zh} / ${reply.en}`, shapeOf(reply)), ...problems(400, 413, 415, 422) },
    },
  } as const satisfies Operation
}

/** The operations of banks. */
export const bankOperations = {
  bindingResult: tell('bindingResult', '/v1/binding-results'),
  bindingNotice: tell('bindingNotice', '/v1/binding-notices'),
  adjustmentReceipt: tell('adjustmentReceipt', '/v1/adjustment-receipts'),
  remitConfirmation: tell('remitConfirmation', '/v1/remit-confirmations'),
  treasuryReceipt: tell('treasuryReceipt', '/v1/treasury-receipts'),
  voucherPrinted: tell('voucherPrinted', '/v1/voucher-prints'),
} as const
