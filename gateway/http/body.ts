import { Fault, fail, parseJson } from '@taxlink/bank-sdk'
import type { App } from './app.ts'
import { Refusal, unreadable } from './problem.ts'

/** The most bytes of a body: one order, a batch of orders, a file of 200,000 lines. */
export const bodyLimits = { single: 65_536, batch: 4_194_304, file: 134_217_728 } as const

// A batch of 1,000 orders with 20 items each: 20 items of 7 fields, and 12 fields around them.
const limits = { bytes: bodyLimits.batch, depth: 6, nodes: 200_000 } as const
const plain = 'application/json'
const withCharset = /^application\/json[ \t]*(?:;[ \t]*charset="?utf-8"?)?$/i

/**
 * Makes `application/json` in UTF-8 the only body there is, read by the SDK's strict reader: duplicate names, numbers that are not plain safe
 * integers and broken UTF-8 are Faults with their byte offset. Whatever else is sent (another type or charset, anything compressed) is a 415.
 */
export const strictBodies = (app: App): void => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(plain, { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const type = request.headers['content-type']
      if (type !== plain && !withCharset.test(type ?? '')) fail('unsupported', 'only application/json in UTF-8', { field: 'Content-Type' })
      const encoding = request.headers['content-encoding']
      if (encoding !== undefined && encoding !== 'identity') fail('unsupported', 'no content coding', { field: 'Content-Encoding' })
      done(null, typeof body === 'string' ? fail('internal', 'a body as text') : parseJson(body, limits))
    } catch (error) {
      done(error instanceof Fault ? unreadable(error) : new Refusal(500, 'internal'))
    }
  })
}
