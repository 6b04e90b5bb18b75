/** A sign of life that may be given as often as one likes: `renew` is called when so much time (ms) has passed since it was last. */
export const beatEvery = (clock: () => Date, ms: number, renew: (now: Date) => Promise<void>): (() => Promise<void>) => {
  let renewed = clock().getTime()
  return async () => {
    const now = clock()
    if (now.getTime() - renewed < ms) return
    renewed = now.getTime()
    await renew(now)
  }
}
