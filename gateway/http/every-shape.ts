import { operatorShapes } from './operator-schemas.ts'
import { shapes } from './schemas.ts'

/** Every shape that has a name, of all parties. */
export const everyShape = [...shapes, ...operatorShapes] as const
