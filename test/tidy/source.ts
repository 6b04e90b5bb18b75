/** One import or re-export of a module: whom it names, what it takes, and whether only types cross. */
export type Import = { readonly specifier: string; readonly line: number; readonly types: boolean; readonly names: string }

/** A text of the project, cut so that a rule can look at code, words and comments apart; offsets and lines stay those of the file. */
export type Source = {
  readonly path: string
  readonly text: string
  /** Without comments. */
  readonly code: string
  /** Without comments and without what stands in quotes; `${…}` of a template is code. */
  readonly bare: string
  /** What stands in quotes, with its line. */
  readonly quoted: readonly { readonly text: string; readonly line: number }[]
  readonly imports: readonly Import[]
}

type Kind = 'comment' | 'quoted' | 'pattern' | 'code'

// One alternative an element of TypeScript, tried at each place; a character that begins none of them is code by itself.
const elements: readonly (readonly [Kind, RegExp])[] = [
  ['comment', /\/\/[^\n]*/y],
  ['comment', /\/\*[\s\S]*?\*\//y],
  ['quoted', /'(?:[^'\\\n]|\\[\s\S])*'/y],
  ['quoted', /"(?:[^"\\\n]|\\[\s\S])*"/y],
  ['pattern', /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y],
  ['code', /[\w$]+|\s+/y],
]
const templatePart = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y
const beforePattern = /(?:^|[(,=:[!&|?{};+*%<>~^-]|\b(?:return|typeof|case|of|in|void|throw|await|yield))\s*$/

/** Cuts TypeScript into its elements. Exact for formatted sources; it is no compiler. */
const cut = (text: string): { readonly kind: Kind; readonly text: string; readonly at: number }[] => {
  const found: { kind: Kind; text: string; at: number }[] = []
  // How many braces are open since each `${`; a `}` at zero ends the substitution.
  const substitutions: number[] = []
  let at = 0
  let code = ''
  const put = (kind: Kind, length: number) => {
    found.push({ kind, text: text.slice(at, at + length), at })
    if (kind !== 'comment') code = (code + text.slice(at, at + length)).slice(-200)
    at += length
  }
  const quote = () => {
    templatePart.lastIndex = at
    put('quoted', templatePart.exec(text)![0].length)
    if (text.startsWith('${', at)) {
      put('code', 2)
      substitutions.push(0)
    } else put('code', 1)
  }
  while (at < text.length) {
    const character = text[at]!
    if (character === '`') {
      put('code', 1)
      quote()
      continue
    }
    if (character === '}' && substitutions.at(-1) === 0) {
      substitutions.pop()
      put('code', 1)
      quote()
      continue
    }
    if (substitutions.length > 0 && (character === '{' || character === '}'))
      substitutions[substitutions.length - 1]! += character === '{' ? 1 : -1
    const element = elements.find(([kind, form]) => {
      form.lastIndex = at
      return form.test(text) && (kind !== 'pattern' || beforePattern.test(code))
    })
    put(element?.[0] ?? 'code', element ? element[1].lastIndex - at : 1)
  }
  return found
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ')
const lineAt = (text: string, at: number): number => text.slice(0, at).split('\n').length

const from = /(?:^|\n)[ \t]*(import|export)\s+(type\s+)?([^;'"`=]*?)\s*from\s*'([^']+)'/g
const bareImport = /(?:^|\n)[ \t]*import\s+'([^']+)'/g
const dynamic = /\bimport\(\s*'([^']+)'\s*\)/g

const importsOf = (code: string): Import[] => {
  const found: Import[] = []
  for (const match of code.matchAll(from)) {
    const names = match[3]!.trim()
    const listed = /^\{([\s\S]*)\}$/
      .exec(names)?.[1]
      ?.split(',')
      .map(name => name.trim())
      .filter(Boolean)
    const types = match[2] !== undefined || (listed !== undefined && listed.length > 0 && listed.every(name => name.startsWith('type ')))
    found.push({ specifier: match[4]!, line: lineAt(code, match.index + match[0].length), types, names })
  }
  for (const form of [bareImport, dynamic])
    for (const match of code.matchAll(form))
      found.push({ specifier: match[1]!, line: lineAt(code, match.index + 1), types: false, names: '' })
  return found
}

/** Reads one TypeScript file; `path` from the root of the project. */
export const sourceOf = (path: string, text: string): Source => {
  const parts = cut(text)
  const code = parts.map(part => (part.kind === 'comment' ? blank(part.text) : part.text)).join('')
  const bare = parts.map(part => (part.kind === 'code' ? part.text : blank(part.text))).join('')
  const quoted = parts.flatMap(part => (part.kind === 'quoted' ? [{ text: part.text, line: lineAt(text, part.at) }] : []))
  return { path, text, code, bare, quoted, imports: importsOf(code) }
}
