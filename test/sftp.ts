import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import ssh2, { type Attributes, type Connection, type SFTPWrapper } from 'ssh2'

// A real SFTP server over a directory, as a bank runs one: keys on both sides, one directory, and what a test wants to go wrong.

const { Server, utils } = ssh2
const { STATUS_CODE, OPEN_MODE } = utils.sftp

export type SftpServer = {
  readonly port: number
  /** `SHA256:…` of its key. */
  readonly host: string
  /** The private key by which it lets us in. */
  readonly key: string
  /** Names of files that it lists as plain ones and never stops sending, or stops sending in the middle. */
  readonly silent: Set<string>
  readonly connections: number
  close(): Promise<void>
}

const keys = () => utils.generateKeyPairSync('ecdsa', { bits: 256 })
const publicOf = (key: string) => {
  const parsed = utils.parseKey(key)
  if (parsed instanceof Error) throw parsed
  return Array.isArray(parsed) ? parsed[0]! : parsed
}

/** Opens a server that lets `user` into `dir`. */
export const openSftp = async (dir: string, user = 'taxlink'): Promise<SftpServer> => {
  const [own, theirs] = [keys(), keys()]
  const allowed = publicOf(theirs.public)
  const silent = new Set<string>()
  const open = new Set<Connection>()
  let connections = 0
  const server = new Server({ hostKeys: [own.private] }, connection => {
    open.add(connection)
    connections++
    connection.on('error', () => {})
    connection.on('close', () => open.delete(connection))
    connection.on('authentication', asked => {
      if (asked.method !== 'publickey' || asked.username !== user) return asked.reject(['publickey'])
      const same = asked.key.algo === allowed.type && asked.key.data.equals(allowed.getPublicSSH())
      const signed = !asked.signature || !asked.blob || allowed.verify(asked.blob, asked.signature, asked.hashAlgo) === true
      if (same && signed) asked.accept()
      else asked.reject()
    })
    connection.on('ready', () => {
      connection.on('session', accept => {
        accept().on('sftp', acceptSftp => serve(acceptSftp(), dir, silent))
      })
    })
  })
  // A listener of our own, which does not hold back small packets.
  const listener = createServer({ noDelay: true }, socket => server.injectSocket(socket))
  const port = await new Promise<number>(resolve => {
    listener.listen(0, '127.0.0.1', () => resolve((listener.address() as AddressInfo).port))
  })
  const host = `SHA256:${createHash('sha256').update(publicOf(own.public).getPublicSSH()).digest('base64').replace(/=+$/, '')}`
  return {
    port,
    host,
    key: theirs.private,
    silent,
    get connections() {
      return connections
    },
    close: () =>
      new Promise(resolve => {
        for (const each of open) each.end()
        listener.close(() => resolve())
      }),
  }
}

const attributes = ({ mode, uid, gid, size, atimeMs, mtimeMs }: Stats): Attributes => ({
  mode,
  uid,
  gid,
  size,
  atime: Math.floor(atimeMs / 1000),
  mtime: Math.floor(mtimeMs / 1000),
})
const longname = (name: string, stats: Stats): string => {
  const kind = stats.isDirectory() ? 'd' : stats.isSymbolicLink() ? 'l' : stats.isFIFO() ? 'p' : '-'
  return `${kind}rw-r----- 1 bank bank ${stats.size} Nov 10 10:00 ${name}`
}

const serve = (sftp: SFTPWrapper, dir: string, silent: ReadonlySet<string>): void => {
  type Handle = { readonly fd?: number; readonly path: string; listed?: boolean }
  const handles = new Map<string, Handle>()
  const at = (path: string): string => join(dir, join('/', path))
  const handleOf = (handle: Handle): Buffer => {
    const id = randomBytes(4)
    handles.set(id.toString('hex'), handle)
    return id
  }
  /** Answers with what came of it, as the protocol's own codes. */
  const done = (id: number, work: () => void): void => {
    try {
      work()
    } catch (error) {
      const gone = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      sftp.status(id, gone ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE)
    }
  }
  const ok = (id: number, work: () => void): void =>
    done(id, () => {
      work()
      sftp.status(id, STATUS_CODE.OK)
    })
  sftp.on('error', () => {})
  sftp.on('REALPATH', (id, path) => sftp.name(id, [{ filename: join('/', path), longname: path, attrs: {} as Attributes }]))
  sftp.on('STAT', (id, path) => done(id, () => sftp.attrs(id, attributes(statSync(at(path))))))
  sftp.on('LSTAT', (id, path) => done(id, () => sftp.attrs(id, attributes(lstatSync(at(path))))))
  sftp.on('FSTAT', (id, handle) => done(id, () => sftp.attrs(id, attributes(statSync(handles.get(handle.toString('hex'))!.path)))))
  sftp.on('OPENDIR', (id, path) =>
    done(id, () => {
      statSync(at(path))
      sftp.handle(id, handleOf({ path: at(path) }))
    }),
  )
  sftp.on('READDIR', (id, handle) =>
    done(id, () => {
      const open = handles.get(handle.toString('hex'))!
      if (open.listed) return sftp.status(id, STATUS_CODE.EOF)
      open.listed = true
      const entries = readdirSync(open.path).map(filename => {
        const stats = lstatSync(join(open.path, filename))
        return { filename, longname: longname(filename, stats), attrs: attributes(stats) }
      })
      return entries.length === 0 ? sftp.status(id, STATUS_CODE.EOF) : sftp.name(id, entries)
    }),
  )
  sftp.on('OPEN', (id, path, flags) =>
    done(id, () => {
      const writes = (flags & OPEN_MODE.WRITE) !== 0
      sftp.handle(id, handleOf({ path: at(path), fd: openSync(at(path), writes ? 'w' : 'r') }))
    }),
  )
  sftp.on('READ', (id, handle, offset, length) =>
    done(id, () => {
      const { fd, path } = handles.get(handle.toString('hex'))!
      if (offset > 0 && [...silent].some(name => path.endsWith(name))) return
      const bytes = Buffer.alloc(length)
      const read = readSync(fd!, bytes, 0, length, offset)
      if (read === 0) sftp.status(id, STATUS_CODE.EOF)
      else sftp.data(id, bytes.subarray(0, read))
    }),
  )
  sftp.on('WRITE', (id, handle, offset, data) =>
    ok(id, () => {
      writeSync(handles.get(handle.toString('hex'))!.fd!, data, 0, data.length, offset)
    }),
  )
  sftp.on('CLOSE', (id, handle) =>
    ok(id, () => {
      const { fd } = handles.get(handle.toString('hex'))!
      if (fd !== undefined) closeSync(fd)
      handles.delete(handle.toString('hex'))
    }),
  )
  sftp.on('FSETSTAT', id => sftp.status(id, STATUS_CODE.OK))
  sftp.on('SETSTAT', id => sftp.status(id, STATUS_CODE.OK))
  sftp.on('REMOVE', (id, path) => ok(id, () => unlinkSync(at(path))))
  sftp.on('RMDIR', (id, path) => ok(id, () => rmSync(at(path), { recursive: true })))
  sftp.on('MKDIR', (id, path) => ok(id, () => mkdirSync(at(path))))
  // As version 3 of the protocol has it: over what is there already nothing is renamed.
  sftp.on('RENAME', (id, from, to) =>
    done(id, () => {
      if (readdirSync(join(at(to), '..')).includes(to.split('/').at(-1)!)) return sftp.status(id, STATUS_CODE.FAILURE)
      renameSync(at(from), at(to))
      return sftp.status(id, STATUS_CODE.OK)
    }),
  )
}
