import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Bug } from './bug.ts'

const root = join(import.meta.dirname, '../..')

/** Plants a bug: its files are read with the edits made. To be called before any of them is loaded. */
export const plant = (bug: Bug): void => {
  const edits = new Map<string, Bug['edits'][number][]>()
  for (const edit of bug.edits) {
    const url = pathToFileURL(join(root, edit.file)).href
    edits.set(url, [...(edits.get(url) ?? []), edit])
  }
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context)
      const mine = edits.get(url)
      if (!mine) return loaded
      return { ...loaded, source: mine.reduce((text, edit) => edited(text, edit.find, edit.replace), textOf(loaded.source)) }
    },
  })
}

/** A text with its one place changed; throws where the place is not there, or not the only one. */
export const edited = (text: string, find: string, replace: string): string => {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`a planted bug finds its place ${parts.length - 1} times: ${find}`)
  return parts.join(replace)
}

const textOf = (source: unknown): string => {
  if (typeof source === 'string') return source
  if (source instanceof Uint8Array) return Buffer.from(source).toString('utf8')
  throw new Error('a module without a text')
}
