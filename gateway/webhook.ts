import { createHmac } from 'node:crypto'
import { request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'

/** Signs a body as Standard Webhooks has it: HMAC-SHA256 over `id.timestamp.body`, base64, `v1,…`; `timestamp` in seconds. */
export const signWebhook = (secret: string, id: string, timestamp: number, body: string): string =>
  `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`

/**
 * Posts a signed body to a configured address; resolves to whether it was taken (2xx within `timeoutMs`). It follows no redirect and reads no
 * more than the status, so that the address alone decides who hears us.
 */
export const postWebhook = (
  to: { url: string; secret: string; timeoutMs: number },
  id: string,
  now: Date,
  body: string,
): Promise<boolean> =>
  new Promise(resolve => {
    const timestamp = Math.floor(now.getTime() / 1000)
    const bytes = Buffer.from(body)
    const send = to.url.startsWith('https:') ? overHttps : overHttp
    const sent = send(
      to.url,
      {
        method: 'POST',
        signal: AbortSignal.timeout(to.timeoutMs),
        headers: {
          'content-type': 'application/json',
          'content-length': bytes.length,
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': signWebhook(to.secret, id, timestamp, body),
        },
      },
      answer => {
        answer.resume()
        const status = answer.statusCode ?? 0
        resolve(status >= 200 && status < 300)
      },
    )
    sent.on('error', () => resolve(false))
    sent.end(bytes)
  })
