import { readFileSync } from 'node:fs'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'

/** A debit system under load: where it listens, and how. */
export type Target = { readonly url: string; readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string } }
/** When each ticket was sent (ms since 1970), and how long its POST took (ms). */
export type Sent = { readonly at: Map<string, number>; readonly posts: number[]; readonly refused: number }

/** Now in ms since 1970 with fractions, on the clock the processes of this machine share. */
export const now = (): number => performance.timeOrigin + performance.now()

/** Opens keep-alive sockets to a target: callers keep theirs for hours, so handshakes are no part of what a debit takes. */
export const connect = (target: Target, connections: number): Promise<Socket[]> => {
  const url = new URL(target.url)
  const context = target.tls ? createSecureContext(target.tls) : undefined
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const options = { host: url.hostname, port: Number(url.port) }
      const socket: Socket = context
        ? connectTls({ ...options, secureContext: context, servername: 'localhost' }, () => resolve(socket))
        : connectPlain(options, () => resolve(socket))
      socket.setNoDelay(true)
      socket.once('error', reject)
    })
  return Promise.all(Array.from({ length: connections }, open))
}

/** The bytes of a POST, in one piece: one record of TLS, one system call. */
export const postOf = (body: string): Buffer =>
  Buffer.from(
    `POST /v1/debits HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )

/**
 * Sends `count` orders over these sockets: as fast as answers come, or at `rate` a second; the sockets end with it. A hand-written client, so
 * that it takes as little of the machine as can be. Resolves when every POST has been answered.
 */
export const load = async (
  sockets: readonly Socket[],
  order: (n: number) => { readonly ticketNo: string; readonly post: Buffer },
  count: number,
  rate?: number,
): Promise<Sent> => {
  const at = new Map<string, number>()
  const posts: number[] = []
  let refused = 0
  let next = 0
  const began = now()
  const post = (socket: Socket): Promise<void> =>
    new Promise((resolve, reject) => {
      const { ticketNo, post: bytes } = order(next++)
      const sent = now()
      at.set(ticketNo, sent)
      let got = ''
      const hear = (chunk: Buffer) => {
        got += chunk.toString('latin1')
        const head = got.indexOf('\r\n\r\n')
        const length = head < 0 ? null : /content-length: (\d+)/i.exec(got)
        if (!length || got.length < head + 4 + Number(length[1])) return
        socket.off('data', hear)
        socket.off('error', reject)
        posts.push(now() - sent)
        if (!got.startsWith('HTTP/1.1 20')) refused++
        resolve()
      }
      socket.on('data', hear)
      socket.once('error', reject)
      socket.write(bytes)
    })
  await Promise.all(
    sockets.map(async socket => {
      while (next < count) {
        if (rate !== undefined) {
          const due = began + (next / rate) * 1000
          const early = due - now()
          if (early > 0) {
            await new Promise(resolve => setTimeout(resolve, early))
            continue
          }
        }
        await post(socket)
      }
      socket.destroy()
    }),
  )
  return { at, posts, refused }
}

/** CPU of a process so far, in µs, from the kernel's own accounting (a tick is 10 ms). */
export const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
