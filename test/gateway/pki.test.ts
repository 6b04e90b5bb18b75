import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type PeerCertificate, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DevelopmentPki, developmentPki, type Pem } from '../../gateway/pki.ts'

const dir = mkdtempSync(join(tmpdir(), 'taxlink-pki-'))
let pki: DevelopmentPki
beforeAll(async () => {
  pki = await developmentPki(join(dir, 'a', 'pki'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** A mutual handshake over a real socket: what the server saw of the client, or the error. */
const handshake = async (server: Pem, serverTrusts: string, client: Pem, clientTrusts: string, host: string): Promise<PeerCertificate> => {
  const listening = createServer({ ...server, ca: serverTrusts, requestCert: true, rejectUnauthorized: true })
  const seen = new Promise<PeerCertificate>((done, refuse) => {
    listening.once('secureConnection', (socket: TLSSocket) => {
      done(socket.getPeerCertificate())
      socket.end()
    })
    listening.once('tlsClientError', refuse)
  })
  await new Promise<void>(done => listening.listen(0, '127.0.0.1', done))
  const address = listening.address()
  const port = address instanceof Object ? address.port : 0
  const socket = connect({ host: '127.0.0.1', port, servername: host === '127.0.0.1' ? '' : host, ca: clientTrusts, ...client })
  const failed = new Promise<never>((_, refuse) => socket.once('error', refuse))
  try {
    return await Promise.race([seen, failed])
  } finally {
    socket.destroy()
    listening.close()
    seen.catch(() => {})
    failed.catch(() => {})
  }
}

test('a mutual TLS handshake accepts both ends and tells who the client is', async () => {
  const bank = await pki.issue({ cn: '湘江银行', uri: 'urn:taxlink:bank:4301' })
  for (const host of ['localhost', '127.0.0.1']) {
    const peer = await handshake(pki.server, pki.ca, bank, pki.ca, host)
    expect(peer.subject.CN).toBe('湘江银行')
    expect(peer.issuer.CN).toBe('TaxLink development CA')
    expect(peer.subjectaltname).toBe('URI:urn:taxlink:bank:4301')
  }
})

test('a certificate of another authority is refused by either end', async () => {
  const other = await developmentPki(join(dir, 'other'))
  const [ours, theirs] = [await pki.issue({ cn: 'a', uri: 'urn:a' }), await other.issue({ cn: 'b', uri: 'urn:b' })]
  await expect(handshake(pki.server, pki.ca, theirs, pki.ca, 'localhost')).rejects.toThrow()
  await expect(handshake(other.server, pki.ca, ours, pki.ca, 'localhost')).rejects.toThrow(/signature|certificate/)
})

test('a client certificate cannot serve, and an ended one is refused', async () => {
  const client = await pki.issue({ cn: 'c', uri: 'urn:c' })
  await expect(handshake(client, pki.ca, client, pki.ca, 'localhost')).rejects.toThrow(/purpose|unsupported/)
  const ended = await pki.issue({ cn: 'd', uri: 'urn:d' }, { days: -0.0005 })
  await expect(handshake(pki.server, pki.ca, ended, pki.ca, 'localhost')).rejects.toThrow()
})

test('the second start uses what the first made; files are for the owner only', async () => {
  const again = await developmentPki(join(dir, 'a', 'pki'))
  expect(again.ca).toBe(pki.ca)
  expect(again.server).toEqual(pki.server)
  expect(readdirSync(join(dir, 'a', 'pki')).sort()).toEqual(['ca.key', 'ca.pem', 'server.pem'])
  for (const name of ['ca.key', 'ca.pem', 'server.pem']) expect(statSync(join(dir, 'a', 'pki', name)).mode & 0o777).toBe(0o600)
})

test('a server certificate about to end is made anew', async () => {
  const short = await pki.issue({ cn: 'short', uri: 'urn:s' }, { server: true, days: 3 })
  writeFileSync(join(dir, 'a', 'pki', 'server.pem'), short.cert + short.key)
  const renewed = await developmentPki(join(dir, 'a', 'pki'))
  expect(new X509Certificate(renewed.server.cert).validToDate.getTime()).toBeGreaterThan(Date.now() + 300 * 86_400_000)
  expect(readFileSync(join(dir, 'a', 'pki', 'server.pem'), 'utf8')).toBe(renewed.server.cert + renewed.server.key)
})

test('six processes at once agree on one authority', async () => {
  const shared = join(dir, 'b', 'pki')
  const script = `import { developmentPki } from ${JSON.stringify(join(import.meta.dirname, '../../gateway/pki.ts'))}
    const pki = await developmentPki(process.argv[1]); console.log(JSON.stringify(pki.ca))`
  const answers = await Promise.all(
    Array.from(
      { length: 6 },
      () =>
        new Promise<string>((done, refuse) => {
          const child = spawn(process.execPath, ['--input-type=module', '-e', script, shared], { stdio: ['ignore', 'pipe', 'inherit'] })
          let text = ''
          child.stdout.on('data', (chunk: Buffer) => {
            text += chunk.toString()
          })
          child.once('close', code => (code === 0 ? done(text) : refuse(new Error(`exit ${code}`))))
        }),
    ),
  )
  expect(new Set(answers).size).toBe(1)
  expect(readdirSync(join(dir, 'b'))).toEqual(['pki'])
  expect(readdirSync(shared).sort()).toEqual(['ca.key', 'ca.pem', 'server.pem'])
})
