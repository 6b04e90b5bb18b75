import { isAway } from './database.ts'

/** A commit that takes longer than this is held up by something: what has gathered behind it does not wait for it. */
const heldUpMs = 100
/** Larger groups are whole sixteens, and the rest goes with the next: as few sizes of statements to prepare as can be. */
const step = 16

/**
 * Group commit: whatever arrives while a commit is in flight forms the next group, so an idle system waits for nothing and a busy one shares
 * each commit among up to `most` callers. `lanes` groups may be in flight at once: a second one where the first is full or held up.
 *
 * `run` gets 1 … most items and must return one result for each, in order. Where a group fails whole, its items are run again one by one,
 * so that one bad row never fails its neighbours; the item that fails alone gets its own error. Where it failed because the record is away, all
 * are run again once and then fail together.
 */
export const grouped = <Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  options: { readonly most: number; readonly lanes: number },
): ((item: Item) => Promise<Result>) => {
  type Waiting = { readonly item: Item; readonly resolve: (result: Result) => void; readonly reject: (error: unknown) => void }
  const waiting: Waiting[] = []
  let free = options.lanes

  const settle = async (group: readonly Waiting[], again = false): Promise<void> => {
    try {
      const results = await run(group.map(w => w.item))
      for (const [i, w] of group.entries()) w.resolve(results[i]!)
    } catch (error) {
      const away = isAway(error)
      if (group.length === 1 || (away && again)) for (const w of group) w.reject(error)
      else if (away) await settle(group, true)
      else for (const w of group) await settle([w])
    }
  }
  const pump = (heldUp = false): void => {
    while (free > 0 && waiting.length > 0) {
      if (free < options.lanes && waiting.length < options.most && !heldUp) return
      const size = Math.min(waiting.length, options.most)
      const group = waiting.splice(0, size > step ? size - (size % step) : size)
      free--
      const timer = setTimeout(pump, heldUpMs, true)
      void settle(group).finally(() => {
        clearTimeout(timer)
        free++
        pump()
      })
    }
  }
  let scheduled = false
  return item =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (scheduled) return
      // One turn of the event loop: the requests that one read of many sockets brought in share a group from the start.
      scheduled = true
      setImmediate(() => {
        scheduled = false
        pump()
      })
    })
}
