/** What looks at something again and again. */
export type Look = { close(): void }

/** Looks every so often, and never twice at once: an older look that was slow would take the place of what a newer one has found. */
export const openLook = (everyMs: number, look: () => Promise<void>, trouble: (error: unknown) => void): Look => {
  let isLooking = false
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    look()
      .catch(trouble)
      .finally(() => {
        isLooking = false
      })
  }, everyMs)
  timer.unref()
  return { close: () => clearInterval(timer) }
}
