import type { Bug } from './bug.ts'
import { patch } from './patch.ts'

/** Plants a bug: its files are read with the edits made. To be called before any of them is loaded. */
export const plant = (bug: Bug): void => patch(bug.edits)
