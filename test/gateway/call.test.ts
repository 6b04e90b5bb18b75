import { type Bank, type dial, outcome } from '@taxlink/bank-sdk'
import { expect, test } from 'vitest'
import { banks } from '#adapters'
import { type Late, openBanks } from '../../gateway/call.ts'
import { exchangeExamples } from '../../gateway/http/examples.ts'
import { quickPolicy } from './stage.ts'

// What a bank writes in its own words, in its own layout: the line is the test's, all else is real.

const { request, reply } = exchangeExamples.debit
const { account, taxpayerName, taxpayerId } = request
/** Each fits the shortest field of words. */
const texts = [`${account}余额不足`, `户名${taxpayerName}不符`, `${taxpayerId}未登记`]

/** What a call comes to whose bank refuses it in these words; the same answer comes once more, when nobody waits for it. */
const refusedBy = async (bank: Bank, bankText: string) => {
  const codec = bank.debit!.reply
  const { bankCode } = codec.decode(codec.encode({ ...reply, result: outcome('24003') } as never)).result
  const bytes = codec.encode({ ...reply, amount: 0, result: { ...outcome('24003', bankCode), bankText } } as never)
  const late: Late[] = []
  const line = ((_line, _url, _options, read, stray) => ({
    ask: async () => {
      stray?.(read(bytes) as never)
      return read(bytes).value
    },
    state: () => ({ connections: 0, inFlight: 0 }),
    close: async () => {},
  })) as typeof dial
  const open = openBanks([{ bank, url: '', policy: quickPolicy }], answer => void late.push(answer), line)
  const { answer, transcript } = await open.call(bank.code, 'debit', request, 1_000)
  return { said: answer.kind === 'answered' ? answer.outcome.bankText : undefined, transcript, late }
}

test.each(banks.map(bank => [bank.code, bank] as const))('bank %s: its words keep nothing private of the request', async (_code, bank) => {
  for (const bankText of texts) {
    const { said, transcript, late } = await refusedBy(bank, bankText)
    expect(said).toContain('*')
    for (const secret of [account, taxpayerName, taxpayerId]) expect([said, transcript].join(' ')).not.toContain(secret)
    // Of what nobody waited for the request is not at hand: whatever may be an account or an id is masked all the same.
    expect(late).toHaveLength(1)
    for (const secret of [account, taxpayerId]) expect(JSON.stringify(late)).not.toContain(secret)
  }
})

test('plain words stay whole, however long', async () => {
  expect((await refusedBy(banks[0]!, 'insufficient funds')).said).toBe('insufficient funds')
})
