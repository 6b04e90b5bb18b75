import type { Flow } from './flow.ts'

/** Work for many banks, each by itself. */
export type EachBank = {
  /** Begins at every bank that is not being worked for, and waits for none; 0. */
  round(): Promise<number>
  /** Begins nothing more, and waits for what is under way. */
  stop(): Promise<void>
}

/**
 * Works for each bank by itself, so that one that does not answer holds up none of the others. `work` returns whether there is more to be done for the
 * bank at once; it is to end early when `going` says so.
 */
export const eachBank = (
  flow: Pick<Flow, 'note' | 'reference'>,
  work: (bankCode: string, going: () => boolean) => Promise<boolean>,
): EachBank => {
  const busy = new Map<string, Promise<void>>()
  let stopped = false
  const going = () => !stopped
  const run = async (bankCode: string): Promise<void> => {
    try {
      while (going() && (await work(bankCode, going)));
    } catch (error) {
      flow.note({ event: 'trouble', bankCode, detail: String(error) })
    }
  }
  return {
    round: async () => {
      for (const bankCode of flow.reference().banks.keys())
        if (!busy.has(bankCode))
          busy.set(
            bankCode,
            run(bankCode).finally(() => busy.delete(bankCode)),
          )
      return 0
    },
    stop: async () => {
      stopped = true
      await Promise.all(busy.values())
    },
  }
}
