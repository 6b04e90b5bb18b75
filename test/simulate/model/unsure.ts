import { CommitUnknown, type Database } from '../../../gateway/store/database.ts'

/** What becomes of a COMMIT whose answer never comes: it was written all the same, or it was not. */
export type Fate = 'kept' | 'lost'

/** Makes the fate of the next COMMIT unknown, whenever that is asked for. */
export class Unsure {
  next: Fate | undefined

  /** The same record, through this. A transaction that fails by itself has no COMMIT. */
  over(db: Database): Database {
    return {
      ...db,
      transaction: async (work, options) => {
        if (this.next === 'lost') this.#over()
        const done = await db.transaction(work, options)
        if (this.next === 'kept') this.#over()
        return done
      },
    }
  }

  #over(): never {
    this.next = undefined
    throw new CommitUnknown(new Error('nobody answered'))
  }
}

/** Runs on the simulated side what the real one runs again after such a COMMIT. */
export const asOften = <T>(fate: Fate | undefined, run: () => T): T => {
  if (fate === 'kept') run()
  return run()
}
