import { dueStep } from '../domain/debit.ts'
import type { Instruction } from '../store/debits.ts'
import { callAndSettle, claim } from './attempt.ts'
import type { Flow } from './flow.ts'
import type { Slots } from './slots.ts'

/** Does what is due for one instruction, if it is still due and nobody else has it: sends it, or asks the bank what became of it. Never throws. */
export const advanceOne = async (flow: Flow, instruction: Instruction): Promise<void> => {
  try {
    const verb = dueStep(instruction, flow.clock())
    const policy = flow.reference().banks.get(instruction.bankCode)?.policy
    if (!verb || !policy) return
    const claimed = await claim(flow, instruction, verb, policy.timeoutMs)
    if (claimed) await callAndSettle(flow, claimed)
  } catch (error) {
    flow.note({ event: 'trouble', bankCode: instruction.bankCode, ticketNo: instruction.ticketNo, detail: String(error) })
  }
}

/** A worker's job: a wake-up for these instructions. It proves nothing; the record says what is due, the claim who may do it. */
export const advance = async (flow: Flow, slots: Slots, ids: readonly number[]): Promise<void> => {
  const found = await flow.store.load(ids)
  await Promise.all(
    found.map(
      instruction =>
        new Promise<void>(done => {
          const limit = flow.reference().banks.get(instruction.bankCode)?.policy.concurrency ?? 1
          const taken = slots.run(instruction.bankCode, limit, () => advanceOne(flow, instruction).finally(done))
          if (!taken) done()
        }),
    ),
  )
}
