import { posix } from 'node:path'
import type { Import, Source } from './source.ts'

/** A broken rule: where, and what is wrong. */
export type Finding = string

/** Who stands to whose left. Each room may import only what stands to its left, so no circle can exist. */
export const lines = [
  'sdk ‹ adapters, conformance',
  'sdk ‹ domain ‹ store ‹ flows ‹ queue, http ‹ main',
  'sdk ‹ adapters ‹ call ‹ flows',
  // What a call came to is said in the words of the rules: types only.
  'domain ‹ call',
] as const

/** The rooms to the left of each room, however far. */
export const leftOf: ReadonlyMap<string, ReadonlySet<string>> = (() => {
  const left = new Map<string, Set<string>>()
  const of = (room: string): Set<string> => {
    const found = left.get(room) ?? new Set<string>()
    left.set(room, found)
    return found
  }
  for (const line of lines) {
    const groups = line.split('‹').map(group => group.split(',').map(room => room.trim()))
    for (const [i, group] of groups.entries())
      for (const room of group) for (const before of groups.slice(0, i).flat()) of(room).add(before)
  }
  // What stands left of a neighbour stands left of oneself; four lines settle in as many rounds.
  for (let round = 0; round < lines.length; round++)
    for (const known of left.values()) for (const room of [...known]) for (const further of of(room)) known.add(further)
  return left
})()

/** The files that put the gateway together; everything else in gateway/ has a room of its own. */
const main = new Set(
  'main audited enlisted folder sftp keys start serve hearing assemble work prepare child local servers ports config pki log metrics webhook explained'
    .split(' ')
    .map(name => `gateway/${name}.ts`),
)

/** The room of a file, undefined where it has none. `docs` and `test` look at everything and are seen by nobody. */
export const roomOf = (path: string): string | undefined => {
  const [top, second] = path.split('/')
  if (top !== 'gateway')
    return ['sdk', 'adapters', 'conformance', 'docs', 'test'].includes(top ?? '') && second
      ? top
      : path === 'vitest.config.ts'
        ? 'test'
        : undefined
  if (path === 'gateway/call.ts' || path === 'gateway/queue.ts') return second!.slice(0, -3)
  if (main.has(path) || second === 'day' || path === 'gateway/webcrypto.d.ts') return 'main'
  return ['domain', 'store', 'flows', 'http', 'console'].includes(second ?? '') ? second : undefined
}

const packages: { readonly [specifier: string]: string } = {
  '@taxlink/bank-sdk': 'sdk/index.ts',
  '@taxlink/bank-conformance/simulator': 'conformance/simulator/index.ts',
  '#adapters': 'adapters/index.ts',
}

/** The file an import names, from the root; undefined for a package from outside and for node's own. */
export const targetOf = (path: string, specifier: string): string | undefined => {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier)
  if (specifier.startsWith('#gateway/')) return specifier.slice(1)
  return packages[specifier]
}

/** Packages that only one place knows. */
const keepers: { readonly [packageName: string]: string } = {
  mysql2: 'gateway/store/',
  'drizzle-orm': 'gateway/store/',
  bullmq: 'gateway/queue.ts',
  ioredis: 'gateway/queue.ts',
  'iconv-lite': 'sdk/',
  saxes: 'sdk/',
  xml2js: 'sdk/',
  fastify: 'gateway/http/',
  commander: 'gateway/main.ts',
  'prom-client': 'gateway/metrics.ts',
  cockatiel: 'gateway/flows/breaker.ts',
  pino: 'gateway/log.ts',
  'ssh2-sftp-client': 'gateway/sftp.ts',
}
/** What an adapter, and what a bank's own examination, may be built of besides its own files. */
const closed = ['adapters', 'conformance'] as const

const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
const isNode = (specifier: string): boolean => specifier.startsWith('node:')

const importFindings = (source: Source, room: string, use: Import): Finding[] => {
  const { path } = source
  const at = `${path}:${use.line}`
  const target = targetOf(path, use.specifier)
  if (target === undefined) {
    const keeper = Object.hasOwn(keepers, packageOf(use.specifier)) ? keepers[packageOf(use.specifier)]! : undefined
    if (keeper !== undefined && !path.startsWith(keeper)) return [`${at}: only ${keeper} imports ${packageOf(use.specifier)}`]
    if (room === 'domain' && !use.types) return [`${at}: domain/ is pure, it imports nothing that does something: ${use.specifier}`]
    if (closed.some(name => name === room) && !isNode(use.specifier)) return [`${at}: ${room}/ imports only the sdk, not ${use.specifier}`]
    if (room === 'adapters' && isNode(use.specifier)) return [`${at}: a bank is a declaration, it needs no ${use.specifier}`]
    return []
  }
  const to = roomOf(target)
  if (to === undefined) return [`${at}: ${use.specifier} is in no room`]
  if (to === room) return []
  if (!leftOf.get(room)?.has(to)) return [`${at}: ${room} may not import ${to} (${use.specifier})`]
  const found: Finding[] = []
  if (use.specifier.startsWith('.') && ['sdk', 'adapters', 'conformance'].includes(to))
    found.push(`${at}: ${to}/ is entered by its door, not by ${use.specifier}`)
  if (room === 'domain' && !use.types) found.push(`${at}: domain/ imports only types from ${to}`)
  if (path !== 'gateway/call.ts' && to === 'sdk' && /\bdial\b/.test(use.names)) found.push(`${at}: only gateway/call.ts talks to banks`)
  return found
}

/** Breaches of the import rule in one file. */
export const roomFindings = (source: Source): Finding[] => {
  const room = roomOf(source.path)
  if (room === undefined) return [`${source.path}: belongs to no room; the composition root is listed in test/tidy/rooms.ts`]
  if (room === 'docs' || room === 'test') return []
  return source.imports.flatMap(use => importFindings(source, room, use))
}

/** Circles among files, each told once. Types count too: a circle of types is a circle in the reader's head. */
export const cycleFindings = (sources: readonly Source[]): Finding[] => {
  const graph = new Map(
    sources.map(source => [source.path, [...new Set(source.imports.flatMap(use => targetOf(source.path, use.specifier) ?? []))]]),
  )
  const found: Finding[] = []
  const done = new Set<string>()
  const walk = (path: string, way: readonly string[]): void => {
    const again = way.indexOf(path)
    if (again >= 0) return void found.push([...way.slice(again), path].join(' → '))
    if (done.has(path)) return
    for (const next of graph.get(path) ?? []) walk(next, [...way, path])
    done.add(path)
  }
  for (const path of graph.keys()) walk(path, [])
  return found
}
