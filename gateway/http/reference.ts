import type { Server } from 'node:https'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { everyVerb, exchanges, type Message, schemaOf, verbs, version } from '@taxlink/bank-sdk'
import fastify from 'fastify'
import type { App } from './app.ts'
import { everyOperation } from './every-operation.ts'
import { everyShape } from './every-shape.ts'
import { exchangeExamples } from './examples.ts'
import { faultTable, outcomeTable } from './operations.ts'
import { validatorCompiler } from './validate.ts'

/** Where the page for people is; open reading. */
export const referencePath = '/reference'
/** Where the OpenAPI document for programs is; open reading. */
export const documentPath = '/openapi.json'

const about = () =>
  [
    '税务系统经本接口发起扣款、查询结果;银行经《统一银行接口》(webhooks 一节)接收网关的指令。金额一律为整数分;时间为 RFC 3339、+08:00。',
    'Tax systems order debits and read outcomes here; banks receive the gateway’s instructions by the unified bank interface (section webhooks). Amounts are integer fen; times are RFC 3339 with +08:00.',
    '**结果不明(unknown)既不是成功也不是失败**:系统会查询银行,切勿换号重发。同一票号、同一内容可任意重发。 / **`unknown` is neither yes nor no**: the bank is being asked; never send the debit under another number. The same order may be sent any number of times.',
    folded('统一结果码 / unified result codes', outcomeTable()),
    folded('错误码 / codes of errors', faultTable()),
  ].join('\n\n')

/** A long table that opens when somebody wants it. */
const folded = (title: string, table: string): string => `<details><summary>${title}</summary>\n\n${table}\n\n</details>`

/** A message of the unified bank interface as a component: its schema without the `$id`, which would move the base of references. */
const component = (message: Message, example: object) => {
  const { $id: _id, ...schema } = schemaOf(message)
  return { ...schema, examples: [{ version, type: message.id, ...example }] }
}
const components = () =>
  Object.fromEntries(
    everyVerb.flatMap(verb =>
      (['request', 'reply'] as const).map(side => {
        const message: Message = exchanges[verb][side]
        return [`bank.${message.id}`, component(message, exchangeExamples[verb][side])]
      }),
    ),
  )
const referTo = (message: Message) => ({ 'application/json': { schema: { $ref: `#/components/schemas/bank.${message.id}` } } })

const bankWebhooks = Object.fromEntries(
  verbs.map(verb => {
    const { request, reply } = exchanges[verb]
    return [
      `bank.${verb}`,
      {
        post: {
          operationId: `bank.${verb}`,
          tags: ['统一银行接口 / unified bank interface'],
          summary: `${request.zh} / ${request.en}`,
          requestBody: { required: true, content: referTo(request) },
          responses: { 200: { description: `${reply.zh} / ${reply.en}`, content: referTo(reply) } },
          security: [{ mutualTLS: [] }],
        },
      },
    ]
  }),
)
const resultsWebhook = {
  post: {
    operationId: 'results',
    tags: ['税务系统 / tax systems'],
    summary: '推送结果 / results delivered',
    description:
      '按 seq 顺序、至少一次;签名见 Standard Webhooks(webhook-id、webhook-timestamp、webhook-signature)。 / In the order of seq, at least once, signed as Standard Webhooks.',
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['results'],
            properties: { results: { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/Result' } } },
          },
        },
      },
    },
    responses: { 200: { description: '已接收 / taken' } },
    security: [],
  },
}

/** Operators come by certificate or by session; whoever signs in has neither yet. */
const securityOf = (method: string, path: string): { security?: Record<string, string[]>[] } => {
  const operation = everyOperation.find(known => known.method.toLowerCase() === method && known.url.replace(/:(\w+)/g, '{$1}') === path)
  if (operation?.config.open) return { security: [] }
  return operation?.config.role === 'operator' ? { security: [{ mutualTLS: [] }, { session: [] }] } : {}
}

const securitySchemes = {
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-taxlink',
    description:
      '操作员登录后的会话;写操作另须 X-CSRF-Token / the session of an operator; whatever changes something needs X-CSRF-Token as well',
  },
  mutualTLS: {
    type: 'mutualTLS',
    description:
      '客户端证书的 URI 名(urn:taxlink:tax-system:…、urn:taxlink:operator:…)即调用者身份与角色 / the URI name of the client certificate is the caller’s identity and role',
  },
} as const

/** Describes the routes that follow; must come before them. */
export const describe = async (app: App): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: '税银联网网关接口 / TaxLink gateway',
        version,
        description: about(),
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: '税务系统 / tax systems' },
        { name: '操作员 / operators' },
        { name: '银行登记簿 / banks’ registry' },
        { name: '统一银行接口 / unified bank interface' },
      ],
    },
    refResolver: { buildLocalReference: (schema, _base, _fragment, i) => (typeof schema.$id === 'string' ? schema.$id : `schema-${i}`) },
  })
  for (const shape of everyShape) app.addSchema(shape)
}

/** The document of the routes, completed by what no route has: who may call, what we send, and the messages of the banks. */
const whole = (app: App) => {
  const document = app.swagger()
  const known = 'components' in document ? document.components : undefined
  return {
    ...document,
    paths: Object.fromEntries(
      Object.entries(document.paths ?? {}).map(([path, item]) => [
        path,
        Object.fromEntries(
          Object.entries(item).map(([method, described]) => [method, { ...(described as object), ...securityOf(method, path) }]),
        ),
      ]),
    ),
    security: [{ mutualTLS: [] }],
    webhooks: { results: resultsWebhook, ...bankWebhooks },
    components: { ...known, schemas: { ...known?.schemas, ...components() }, securitySchemes },
  }
}

// Nothing is loaded from elsewhere, and nothing may frame the page. Swagger UI writes its styles into the page.
const policy =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"

/** The page for people and the document for programs, readable without a certificate. */
export const referencePages = async (app: App): Promise<void> => {
  await app.register(async scope => {
    scope.addHook('onRoute', route => {
      route.config = { ...route.config, open: true }
    })
    await scope.register(swaggerUi, {
      routePrefix: referencePath,
      staticCSP: policy,
      transformSpecification: () => whole(app),
      transformSpecificationClone: false,
      // Without its top bar: there is one document, and it is ours.
      uiConfig: {
        layout: 'BaseLayout',
        docExpansion: 'list',
        defaultModelsExpandDepth: 0,
        tryItOutEnabled: false,
        supportedSubmitMethods: [],
      },
      theme: { title: '税银联网网关接口 / TaxLink gateway' },
    })
    let text = ''
    scope.get(documentPath, { schema: { hide: true } }, (_request, reply) => {
      text ||= documentText(app)
      reply.type('application/json').send(text)
    })
  })
}

const documentText = (app: App): string => `${JSON.stringify(whole(app), null, 2)}\n`

/** The OpenAPI 3.1 document of the public interface, as docs/openapi.json has it. */
export const openapiText = async (): Promise<string> => {
  const app = fastify<Server>({ https: {} })
  app.setValidatorCompiler(validatorCompiler)
  await describe(app)
  for (const operation of everyOperation) app.route({ ...operation, handler: async () => '' })
  await app.ready()
  const text = documentText(app)
  await app.close()
  return text
}
/** The same as data. */
export const openapiDocument = async (): Promise<unknown> => JSON.parse(await openapiText())
