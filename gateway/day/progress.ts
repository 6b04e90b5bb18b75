/** How far the day is: one line that is drawn again on a terminal, a line each tenth elsewhere. */
export const showProgress = (out: { readonly isTTY?: boolean; write(text: string): unknown }) => {
  let shown = -1
  let done = false
  return (sent: number, settled: number, of: number): void => {
    if (done) return
    // Of a day that is played again the outcomes are there before the orders are sent.
    done = settled === of && sent === of
    const text = `已发送 sent ${sent}/${of}  已确定 certain ${settled}/${of}`
    if (out.isTTY) {
      const width = 30
      const full = Math.floor((settled / of) * width)
      out.write(`\r[${'█'.repeat(full)}${'░'.repeat(width - full)}] ${text}${done ? '\n' : ''}`)
      return
    }
    const tenth = Math.floor((settled / of) * 10)
    if (tenth === shown && !done) return
    shown = tenth
    out.write(`${text}\n`)
  }
}
