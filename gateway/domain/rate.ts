/**
 * A token bucket that holds a second's worth, as one number: the moment (ms) up to which its tokens are given away. Nobody refills it, so it
 * costs nothing while nobody asks.
 */
export type Bucket = { readonly givenUntil: number }

/** A full bucket. */
export const fullBucket: Bucket = { givenUntil: Number.NEGATIVE_INFINITY }

/**
 * Takes a token at `now`, of `perSecond`: how long to wait for it (0: it was there), and the bucket afterwards; undefined where the wait would be
 * longer than `patienceMs`. Turns are kept: who asks first goes first.
 */
export const takeToken = (
  bucket: Bucket,
  perSecond: number,
  now: Date,
  patienceMs: number,
): { readonly waitMs: number; readonly bucket: Bucket } | undefined => {
  const at = now.getTime()
  const turnMs = 1_000 / perSecond
  // Nobody was given a turn beyond his patience: one further ahead was given before the clock was set back.
  const given = bucket.givenUntil > at + patienceMs + turnMs ? at : bucket.givenUntil
  const next = Math.max(given, at - 1_000) + turnMs
  const waitMs = Math.max(0, Math.ceil(next - at))
  return waitMs > patienceMs ? undefined : { waitMs, bucket: { givenUntil: next } }
}
