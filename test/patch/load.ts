import type { Bug } from './bug.ts'
import { copyOf, patch, patchApart } from './patch.ts'

/** Plants a bug: its files are read with the edits made. To be called before any of them is loaded. */
export const plant = (bug: Bug): void => patch(bug.edits)

/** Plants each bug in a copy of its own of all that is patched: `at` says which module to import for which bug. */
export const plantApart = (bugs: readonly Bug[], file: string): ((bug: Bug | undefined) => string) => {
  patchApart(new Map(bugs.map(({ name, edits }) => [name, edits])))
  return bug => copyOf(file, bug?.name)
}
