import type { Bug } from './bug.ts'
import { debitBugs } from './debit-bugs.ts'
import { furtherBugs } from './further-bugs.ts'
import { otherBugs } from './other-bugs.ts'
import { recordBugs } from './record-bugs.ts'

/** All planted bugs. */
export const bugs: readonly Bug[] = [...debitBugs, ...furtherBugs, ...otherBugs, ...recordBugs]
