/** What happens once its time has come; of the same time, in the order in which it was planned. */
export type Timed = { at: number; order: number }

/** A binary heap: the earliest is always at hand. */
export class Heap<T extends Timed> {
  readonly #items: T[] = []

  get first(): T | undefined {
    return this.#items[0]
  }

  get size(): number {
    return this.#items.length
  }

  push(item: T): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const up = (at - 1) >> 1
      if (!isBefore(item, items[up]!)) break
      items[at] = items[up]!
      at = up
    }
    items[at] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return first
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= items.length) break
      if (down + 1 < items.length && isBefore(items[down + 1]!, items[down]!)) down++
      if (!isBefore(items[down]!, last)) break
      items[at] = items[down]!
      at = down
    }
    items[at] = last
    return first
  }

  /** All of them, in no order. */
  get all(): readonly T[] {
    return this.#items
  }
}

const isBefore = (a: Timed, b: Timed): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
