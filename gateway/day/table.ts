/** How many columns of a terminal a text takes: Han characters and full-width forms take two. */
export const columns = (text: string): number => {
  let n = 0
  for (const c of text)
    n += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u.test(c) ? 2 : 1
  return n
}

/** Rows as aligned lines; columns of numbers, by default all but the first, at the right, texts at the left. */
export const table = (
  rows: readonly (readonly string[])[],
  numbers: readonly number[] = [...(rows[0] ?? []).keys()].slice(1),
): string[] => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map(row => columns(row[i] ?? ''))))
  return rows.map(row =>
    row
      .map((cell, i) => {
        const gap = ' '.repeat(Math.max(0, widths[i]! - columns(cell)))
        return numbers.includes(i) ? gap + cell : cell + gap
      })
      .join('  ')
      .trimEnd(),
  )
}

/** Fen as yuan for people, `1,234.56`. */
export const yuanText = (fen: bigint): string => {
  const yuan = (fen / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ',')
  return `${yuan}.${(fen % 100n).toString().padStart(2, '0')}`
}
