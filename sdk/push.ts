import { type Bank, type Exchange, pushes, recognise, type Told } from './bank.ts'
import { type InstructionKey, keyText, type Push, type RequestOf } from './catalogue.ts'
import { fail } from './fault.ts'
import { dial, type LineOptions } from './line.ts'

/** A bank's end of the line by which it tells the gateway what it has not been asked. */
export type PushLine = {
  /**
   * Tells it once and resolves with the gateway's receipt. Without a receipt (a Fault) nothing is certain: tell the same again, under the same
   * key; the gateway gives the same receipt and does nothing twice.
   */
  tell<P extends Push>(push: P, notice: RequestOf<P>, timeoutMs?: number): Promise<Told<P>>
  close(): Promise<void>
}

/** Opens the line to the gateway at `url`; sockets are opened when first needed. Fault bad-declaration where the bank declares none. */
export const openPush = (bank: Bank, url: string, options: Partial<LineOptions> = {}): PushLine => {
  const line = bank.push ?? fail('bad-declaration', `bank ${bank.code} declares nothing that it tells`)
  // Over TCP one connection carries eight at once; over HTTP each needs its own.
  const terms = { connections: line.kind === 'http' ? 8 : 1, pipeline: 8, connectMs: 5_000, idleMs: 60_000, ...options }
  const peer = dial<Told<Push>>(line, url, terms, bytes => {
    const { verb, codec } =
      recognise(bank, bytes, 'reply', undefined, pushes) ?? fail('unknown-message', `${bytes.length} bytes that are no receipt`)
    const told = codec.decode(bytes) as Told<Push>
    return { key: correlation(verb, told), value: told }
  })
  return {
    tell: async <P extends Push>(push: P, notice: RequestOf<P>, timeoutMs = 10_000) => {
      const exchanges: { readonly [Q in Push]?: Exchange<Q> } = bank
      const { request, path } = exchanges[push] ?? fail('bad-declaration', `bank ${bank.code} does not declare ${push}`)
      const asked = { bytes: request.encode(notice), key: correlation(push, notice), timeoutMs }
      // Its key holds the verb: a receipt of another never arrives here.
      return (await peer.ask(path === undefined ? asked : { ...asked, path })) as Told<P>
    },
    close: () => peer.close(),
  }
}

const correlation = (push: Push, key: InstructionKey): string => `${push}|${keyText(key)}`
