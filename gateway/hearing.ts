import { BlockList, isIPv6 } from 'node:net'
import {
  type Bank,
  type Context,
  type Exchange,
  echoOf,
  Fault,
  type Heard,
  hangUp,
  type Outcome,
  outcome,
  type Push,
  pushes,
  servePushes,
} from '@taxlink/bank-sdk'
import { banks as adapters } from '#adapters'
import type { BankListen } from './config.ts'
import type { Flow, Note } from './flows/flow.ts'
import { hearBank } from './flows/hear.ts'
import { openSlots } from './flows/slots.ts'
import { type Identity, identityOf } from './http/mutual-tls.ts'

/** Where this process hears what banks tell of their own accord, each in its own dialect. */
export type Hearing = {
  readonly urls: { readonly [bankCode: string]: string }
  /** New certificates for the lines over TLS, without a pause. Throws, and changes nothing, where they cannot be used. */
  reload(tls: HearingTls): void
  /** Takes nothing more, and gives what is under way a moment to get its receipt. */
  close(): Promise<void>
}
/** What the gateway shows of itself, and the authority of the banks' certificates. */
export type HearingTls = { readonly ca: string; readonly cert: string; readonly key: string }

export type HearingOptions = {
  readonly flow: Flow
  readonly listens: { readonly [bankCode: string]: BankListen }
  /** Needed where a line is over TLS. */
  readonly tls: HearingTls | undefined
  readonly times?: typeof times
}

/** Of one bank: connections, messages being written down at once, and those that wait for that. Beyond that it is not heard, and tells it again. */
const limits = { connections: 64, atOnce: 8, waiting: 256 } as const
/** How long (ms) a connection may be silent, and a message that has begun may take. */
const times = { idleMs: 300_000, frameMs: 10_000 }
const gatherMs = 10_000

/** Opens a line for each bank with an address to listen at; the bank must declare what it tells. Fault bad-config. */
export const openHearing = async ({ flow, listens, tls, times: own = times }: HearingOptions): Promise<Hearing> => {
  const slots = openSlots(limits.waiting)
  const note = gathered(flow)
  const open = async (bankCode: string, listen: BankListen, shown: HearingTls | undefined) => {
    const bank = adapters.find(({ code }) => code === bankCode)
    if (!bank?.push) throw new Fault('bad-config', `TAXLINK_BANK_${bankCode}_LISTEN: bank ${bankCode} declares nothing that it tells`)
    const { protocol, hostname, port } = new URL(listen.url)
    const secure = protocol === 'tls:' || protocol === 'https:'
    if (protocol !== (bank.push.kind === 'tcp' ? (secure ? 'tls:' : 'tcp:') : secure ? 'https:' : 'http:'))
      throw new Fault('bad-config', `TAXLINK_BANK_${bankCode}_LISTEN: bank ${bankCode} does not speak ${protocol}//`)
    if (secure && !shown) throw new Fault('bad-config', `TAXLINK_BANK_${bankCode}_LISTEN: TLS needs the certificates of both sides`)
    const hear = handlerOf(flow, bank, slots, note)
    return servePushes(bank, Object.fromEntries(pushes.map(push => [push, hear(push)])), {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port),
      ...own,
      maxConnections: limits.connections,
      cutStrangers: true,
      ...(listen.from.length > 0 ? { allow: allowing(listen.from) } : {}),
      ...(secure && shown ? { tls: shown } : {}),
      onFault: fault => note({ event: 'stray', bankCode, fault: fault.fault }),
      onError: error => flow.note({ event: 'trouble', bankCode, detail: String(error) }),
    })
  }
  const listeners = new Map<string, Awaited<ReturnType<typeof open>>>()
  const closeAll = async () => {
    await Promise.all([...listeners.values()].map(listener => listener.close()))
  }
  try {
    for (const [bankCode, listen] of Object.entries(listens)) listeners.set(bankCode, await open(bankCode, listen, tls))
  } catch (error) {
    await closeAll()
    throw error
  }
  return {
    urls: Object.fromEntries([...listeners].map(([bankCode, { url }]) => [bankCode, url])),
    reload: next => {
      for (const listener of listeners.values()) if (/^(tls|https):/.test(listener.url)) listener.renew(next)
    },
    close: async () => {
      await closeAll()
      slots.close()
      note.end()
    },
  }
}

/** What is done with what a bank tells: one after another within its places, and only for the bank whose certificate it is. */
const handlerOf = (flow: Flow, bank: Bank, slots: ReturnType<typeof openSlots>, note: (note: Note) => void) => {
  const exchanges: { readonly [P in Push]?: Exchange<P> } = bank
  return <P extends Push>(push: P) =>
    (message: Heard<P>, { peer }: Context) => {
      if (peer.certificate && !isBank(identityOf(peer.certificate), bank.code, flow.clock())) {
        note({ event: 'stray', bankCode: bank.code, verb: push, fault: 'not-permitted' })
        return hangUp
      }
      return new Promise<{ readonly result: Outcome } | typeof hangUp>((resolve, reject) => {
        const work = async () => {
          try {
            resolve({ result: sayable(exchanges[push], message, await hearBank(flow, bank.code, push, message)) })
          } catch (error) {
            // Without a receipt the bank tells it again.
            reject(error instanceof Error ? error : new Error(String(error)))
          }
        }
        if (slots.run(bank.code, limits.atOnce, work, () => resolve(hangUp))) return
        note({ event: 'stray', bankCode: bank.code, verb: push, fault: 'line-busy' })
        resolve(hangUp)
      })
    }
}

const isBank = (who: Identity | Error, code: string, now: Date): boolean =>
  !(who instanceof Error) && who.uri === `urn:taxlink:bank:${code}` && who.endsAt > now.getTime()

/** The result in a code that the bank's table has: its own, or one that says as little. */
const sayable = <P extends Push>(exchange: Exchange<P> | undefined, message: Heard<P>, result: Outcome): Outcome => {
  const encodes = (said: Outcome): boolean => {
    try {
      exchange?.reply.encode({ ...echoOf(exchange.reply.message, message), result: said } as never)
      return true
    } catch {
      return false
    }
  }
  const { bankText } = result
  const candidates = [result, ...(['93004', '93003', '94999'] as const).map(code => outcome(code, code, bankText))]
  return candidates.find(encodes) ?? result
}

/** Whether an address is one of these, single ones and networks in CIDR form; IPv4 within IPv6 is IPv4. */
export const allowing = (from: readonly string[]): ((address: string) => boolean) => {
  const list = new BlockList()
  for (const one of from) {
    const [address = '', bits] = one.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return address => {
    const plain = address.replace(/^::ffff:(?=[0-9]+\.)/i, '')
    return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
  }
}

/** Notes the first of a kind at once, and the rest of the next seconds as one with their number: a stranger cannot fill the log. */
const gathered = (flow: Pick<Flow, 'note'>): { (note: Note): void; end(): void } => {
  const more = new Map<string, { readonly note: Note; count: number; readonly timer: NodeJS.Timeout }>()
  const flush = (kind: string) => {
    const found = more.get(kind)
    more.delete(kind)
    if (found && found.count > 0) flow.note({ ...found.note, count: found.count })
  }
  const tell = (note: Note): void => {
    const kind = `${note.bankCode} ${note.fault}`
    const found = more.get(kind)
    if (found) {
      found.count++
      return
    }
    flow.note(note)
    more.set(kind, { note, count: 0, timer: setTimeout(() => flush(kind), gatherMs).unref() })
  }
  const end = () => {
    for (const [kind, { timer }] of more) {
      clearTimeout(timer)
      flush(kind)
    }
  }
  return Object.assign(tell, { end })
}
