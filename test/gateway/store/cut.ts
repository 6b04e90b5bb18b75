import { connect, createServer, type Server, type Socket } from 'node:net'

/** A line to a server that is cut at an exact moment. */
export type Cut = {
  readonly url: string
  /** Cuts the connection once, when a command beginning with `word` passes: before it is passed on, or when its answer comes. */
  cut(word: string, when: 'before' | 'after'): void
  refuse(refusing: boolean): void
  close(): void
}

/** A TCP proxy before the server, for accidents at an exact moment. */
export const openProxy = async (target: string): Promise<Cut> => {
  const to = new URL(target)
  const sockets = new Set<Socket>()
  let plan: { word: string; when: 'before' | 'after' } | undefined
  let refusing = false
  const server: Server = createServer(client => {
    if (refusing) {
      client.destroy()
      return
    }
    const upstream = connect(Number(to.port), to.hostname)
    let doomed = false
    const cutNow = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', cutNow)
    }
    client.on('data', (chunk: Buffer) => {
      // Four bytes of header, one of command, then its text.
      const command = chunk.subarray(4).toString('latin1')
      if (plan && (command.startsWith(plan.word) || command.slice(1).startsWith(plan.word))) {
        const { when } = plan
        plan = undefined
        if (when === 'before') return cutNow()
        doomed = true
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk: Buffer) => {
      if (doomed) cutNow()
      else client.write(chunk)
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const url = new URL(target)
  url.port = String(address instanceof Object ? address.port : 0)
  return {
    url: url.href,
    cut: (word, when) => {
      plan = { word, when }
    },
    refuse: value => {
      refusing = value
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
