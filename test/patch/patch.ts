import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** A change of a source text when it is loaded: the file from the root, the place, and what stands there instead. */
export type Edit = { readonly file: string; readonly find: string; readonly replace: string }

const root = join(import.meta.dirname, '../..')

/** Has these files read with the edits made. To be called before any of them is loaded. */
export const patch = (edits: readonly Edit[]): void => {
  const byUrl = Map.groupBy(edits, edit => pathToFileURL(join(root, edit.file)).href)
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context)
      const mine = byUrl.get(url)
      if (!mine) return loaded
      return { ...loaded, source: mine.reduce((text, { find, replace }) => edited(text, find, replace), textOf(loaded.source)) }
    },
  })
}

const patched = ['gateway', 'test/simulate'].map(folder => `${pathToFileURL(join(root, folder)).href}/`)

/** The address under which a file is loaded as part of one copy; without a name, of the unpatched one. */
export const copyOf = (file: string, name: string | undefined): string =>
  pathToFileURL(join(root, file)).href + (name === undefined ? '' : `?copy=${name}`)

/** Has all that is patched loaded once for each name, each copy with its own edits; everything else is shared. */
export const patchApart = (edits: ReadonlyMap<string, readonly Edit[]>): void => {
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context)
      const name = context.parentURL?.split('?copy=')[1]
      const isPatched = name !== undefined && patched.some(folder => found.url.startsWith(folder))
      return isPatched && !found.url.includes('?') ? { ...found, url: `${found.url}?copy=${name}` } : found
    },
    load: (url, context, next) => {
      const [file, name] = url.split('?copy=') as [string, string | undefined]
      if (name === undefined || !file.endsWith('.ts')) return next(url, context)
      const mine = (edits.get(name) ?? []).filter(edit => pathToFileURL(join(root, edit.file)).href === file)
      return { format: 'module', source: mine.length === 0 ? plainOf(file) : stripped(file, mine), shortCircuit: true }
    },
  })
}

const stripped = (file: string, edits: readonly Edit[]): string =>
  stripTypeScriptTypes(edits.reduce((text, { find, replace }) => edited(text, find, replace), readFileSync(fileURLToPath(file), 'utf8')))
// A file that a copy does not change is stripped of its types once for all copies: that takes half of the time of loading them.
const plain = new Map<string, string>()
const plainOf = (file: string): string => {
  const known = plain.get(file)
  if (known !== undefined) return known
  const text = stripped(file, [])
  plain.set(file, text)
  return text
}

/** A text with its one place changed; throws where the place is not there, or not the only one. */
export const edited = (text: string, find: string, replace: string): string => {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`a patch finds its place ${parts.length - 1} times: ${find}`)
  return parts.join(replace)
}

const textOf = (source: unknown): string => {
  if (typeof source === 'string') return source
  if (source instanceof Uint8Array) return Buffer.from(source).toString('utf8')
  throw new Error('a module without a text')
}
