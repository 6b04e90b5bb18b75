import { createHash, timingSafeEqual } from 'node:crypto'
import { connect } from 'node:net'
import type { Readable } from 'node:stream'
import Client from 'ssh2-sftp-client'
import type { Found, Place, Way } from './flows/ways.ts'

/** A directory of a bank's SFTP server, whom we are there, and by which key of its own the server is known. */
export type SftpAt = {
  /** `sftp://user@host:port/dir` */
  readonly url: string
  /** Our private key, PEM or OpenSSH. */
  readonly key: string
  /** `SHA256:…`, as ssh-keygen -l shows it. */
  readonly host: string
}

const connectMs = 10_000
/** How long a server may be silent in the middle of a file. */
const stallMs = 60_000

/** Opens the directory anew for each look: what the bank's side restarts or cuts is of no consequence to the next. */
export const sftpWay = (bankCode: string, at: SftpAt, silentMs = stallMs): Way => ({
  bankCode,
  cameBy: 'sftp',
  open: async () => {
    const { hostname, port, username, pathname } = new URL(at.url)
    // Without listeners of ours an error between two requests would end the process; the next request meets it anyway.
    const nothing = () => {}
    const client = new Client(`bank-${bankCode}`, { error: nothing, end: nothing, close: nothing })
    // A socket of our own, which does not hold back small packets: a directory is asked in many of them.
    const sock = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 22), noDelay: true })
    await client.connect({
      sock,
      username: decodeURIComponent(username),
      privateKey: at.key,
      readyTimeout: connectMs,
      keepaliveInterval: 10_000,
      keepaliveCountMax: 3,
      hostVerifier: (key: Buffer) => isKnown(key, at.host),
    })
    const dir = decodeURIComponent(pathname).replace(/\/+$/, '') || '/'
    try {
      for (const folder of ['done', 'refused', 'receipts'])
        if (!(await client.exists(`${dir}/${folder}`))) await client.mkdir(`${dir}/${folder}`)
    } catch (error) {
      await client.end().catch(nothing)
      throw error
    }
    return placeAt(client, dir, silentMs)
  },
})

/** A server by another key is a stranger, whatever its address: nothing is asked of it, not even by which key it would know us. */
const isKnown = (key: Buffer, host: string): boolean => {
  const [shown, known] = [createHash('sha256').update(key).digest(), Buffer.from(host.replace(/^SHA256:/, ''), 'base64')]
  return shown.length === known.length && timingSafeEqual(shown, known)
}

const kinds: { readonly [type: string]: Found['kind'] } = { '-': 'regular', d: 'directory' }

const placeAt = (client: Client, dir: string, silentMs: number): Place => {
  // Names are those of the listing: one that leads elsewhere is no name of ours and never reaches a path of the server.
  const at = (name: string) => `${dir}/${name}`
  const isPlain = (name: string): boolean => name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name)
  return {
    list: async () =>
      (await client.list(dir))
        .filter(({ name }) => isPlain(name))
        .map(({ name, size, type }) => ({ name, size, kind: kinds[type] ?? 'other' }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    read: name => unstalled(() => client.createReadStream(at(name)), silentMs),
    move: async (name, to) => {
      const target = `${dir}/${to}/${name}`
      if (!(await client.exists(at(name)))) return
      // Not every server renames over what is there; the bytes of an older one are in the spool.
      await client.delete(target, true)
      await client.rename(at(name), target)
    },
    remove: async name => {
      await client.delete(at(name), true)
    },
    answer: async (name, text) => {
      const unfinished = `${dir}/receipts/.${name}.part`
      await client.put(Buffer.from(text), unfinished)
      await client.delete(`${dir}/receipts/${name}`, true)
      await client.rename(unfinished, `${dir}/receipts/${name}`)
    },
    close: async () => {
      await client.end().catch(() => {})
    },
  }
}

/** The bytes of a stream, ended where nothing comes for too long. */
const unstalled = async function* (open: () => Readable, silentMs: number): AsyncGenerator<Uint8Array> {
  const stream = open()
  // What the server still owes us when it is given up is told once more, when the connection ends, to nobody.
  stream.on('error', () => {})
  const silence = setTimeout(() => stream.destroy(new Error('the server is silent in the middle of a file')), silentMs)
  silence.unref()
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      silence.refresh()
      yield part
    }
  } finally {
    clearTimeout(silence)
    stream.destroy()
  }
}
