// The province's clock is Asia/Shanghai, +08:00 without daylight saving since 1992: plain arithmetic on UTC is exact.
const offsetMs = 8 * 3_600_000

/** The date in the province, `2026-09-10`. */
export const shanghaiDate = (now: Date): string => new Date(now.getTime() + offsetMs).toISOString().slice(0, 10)

/** An instant as the outside sees it, RFC 3339 with milliseconds and `+08:00`. */
export const shanghaiTime = (at: Date): string => `${new Date(at.getTime() + offsetMs).toISOString().slice(0, -1)}+08:00`

/** `now` plus milliseconds. */
export const later = (now: Date, ms: number): Date => new Date(now.getTime() + ms)
