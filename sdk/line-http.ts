import nodeHttp from 'node:http'
import nodeHttps from 'node:https'
import type { Socket } from 'node:net'
import { Fault, fail } from './fault.ts'
import { Pile } from './frame.ts'
import { type Carrier, codeOf, type Target, unreadable, type Waiting } from './line-ask.ts'
import { type HttpLine, isPath, type LineOptions, type Read, type Stray } from './line-terms.ts'

type Terms<T> = {
  readonly line: HttpLine
  readonly target: Target
  readonly options: LineOptions
  readonly read: Read<T>
  readonly stray: (answer: Stray<T>) => void
}

/** One request on one socket. The answer is believed by its key, as an idle socket may hold the answer to an earlier request. */
const post = <T>(terms: Terms<T>, agent: nodeHttp.Agent, waiting: Waiting<T>): void => {
  const { line, target, options, read, stray } = terms
  const { bytes, key, path = line.path } = waiting.request
  const request = (target.context ? nodeHttps : nodeHttp).request({
    agent,
    host: target.host,
    port: target.port,
    method: 'POST',
    path,
    headers: { 'content-type': line.contentType, 'content-length': bytes.length, 'accept-encoding': 'identity' },
    ...(target.context ? { secureContext: target.context, rejectUnauthorized: true } : {}),
    ...(target.servername ? { servername: target.servername } : {}),
  })
  // an answer is handed over when its socket is free again, so that whoever asks next finds it free
  let outcome: (() => void) | undefined
  let connecting: NodeJS.Timeout | undefined

  const refuse = (fault: Fault) => {
    waiting.reject(fault)
    request.destroy()
    // once its answer has ended Node takes the request for destroyed and would keep the socket
    request.socket?.destroy()
  }
  const unsendable = (detail: string) => refuse(new Fault('connect-failed', detail))
  const send = () => {
    clearTimeout(connecting)
    if (!waiting.send()) return request.destroy()
    request.end(bytes)
  }
  const conclude = (body: Uint8Array) => {
    let answer: ReturnType<Read<T>>
    try {
      answer = read(body)
    } catch (error) {
      return refuse(unreadable(error))
    }
    if (answer.key !== key) {
      queueMicrotask(() => stray({ bytes: body, ...answer }))
      return refuse(new Fault('answer-mismatch', 'the answer carries another key than the request'))
    }
    outcome = () => waiting.resolve(answer.value)
    // an answer before the whole request has left: the socket is never free again
    if (!request.writableFinished) {
      outcome()
      request.destroy()
    }
  }

  request.on('socket', (socket: Socket) => {
    if (request.reusedSocket) return socket.destroyed ? refuse(new Fault('line-closed', 'the connection was closed')) : send()
    connecting = setTimeout(() => unsendable(`no connection within ${options.connectMs} ms`), options.connectMs)
    // not before the bank has shown its certificate: a request is not for whoever happens to answer
    socket.once(target.context ? 'secureConnect' : 'connect', send)
  })
  request.on('response', response => receive(line, response, refuse, conclude))
  request.on('error', error => {
    const code = codeOf(error)
    if (outcome) return
    if (!waiting.sent) waiting.reject(new Fault('connect-failed', code))
    else if (code.startsWith('HPE_')) waiting.reject(new Fault('malformed', `the answer is not HTTP/1.1 (${code})`))
    else waiting.lose(code)
  })
  request.once('close', () => {
    clearTimeout(connecting)
    if (outcome) outcome()
    else waiting.lose('the connection was closed before the answer was complete')
  })
  waiting.afterwards(() => {
    if (!outcome) request.destroy()
  })
}

const receive = (
  line: HttpLine,
  response: nodeHttp.IncomingMessage,
  refuse: (fault: Fault) => void,
  conclude: (body: Uint8Array) => void,
) => {
  const { statusCode = 0, headers } = response
  // errors of the response are those of its request, which listens; without a listener here they would end the process
  response.on('error', () => undefined)
  // 3xx too: a redirect would carry a debit, and our certificate, to a host nobody approved
  if (statusCode !== 200) return refuse(new Fault('http-status', `status ${statusCode}`))
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    return refuse(new Fault('unexpected', 'the answer has a content-encoding'))
  const tooLarge = () => refuse(new Fault('frame-too-large', `the answer has more than ${line.maxBytes} bytes`))
  if (Number(headers['content-length'] ?? 0) > line.maxBytes) return tooLarge()
  const body = new Pile(line.maxBytes)
  response.on('data', (chunk: Uint8Array) => {
    if (!response.destroyed && !body.add(chunk)) tooLarge()
  })
  response.on('end', () => {
    if (response.complete) conclude(body.take())
  })
}

/** Carries one request per socket over up to `connections` persistent sockets; nothing is queued and nothing sent twice. */
export const httpCarrier = <T>(terms: Terms<T>): Carrier<T> => {
  const { line, target, options } = terms
  // we count, the agent must not: beyond its own limit it would queue
  const agentOptions = { keepAlive: true, maxFreeSockets: options.connections, timeout: options.idleMs }
  const agent = target.context ? new nodeHttps.Agent(agentOptions) : new nodeHttp.Agent(agentOptions)
  let taken = 0
  return {
    carry: waiting => {
      const { bytes, path = line.path } = waiting.request
      if (!isPath(path)) fail('bad-config', 'the path of the request is not a path', {}, 'no')
      if (bytes.length === 0) fail('bad-frame', 'a request has at least one byte', {}, 'no')
      if (bytes.length > line.maxBytes)
        fail('frame-too-large', `the body has ${bytes.length} bytes, the line takes ${line.maxBytes}`, {}, 'no')
      if (taken >= options.connections) fail('line-busy', `${options.connections} connections carry one request each`, {}, 'no')
      taken += 1
      waiting.afterwards(() => (taken -= 1))
      post(terms, agent, waiting)
    },
    connections: () =>
      [agent.sockets, agent.freeSockets].flatMap(sockets => Object.values(sockets)).reduce((n, list) => n + (list?.length ?? 0), 0),
    end: async () => agent.destroy(),
  }
}
