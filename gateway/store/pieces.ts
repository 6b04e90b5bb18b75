import { open } from 'node:fs/promises'

/** Large enough that a file of a gigabyte is a thousand reads. */
const pieceBytes = 1 << 20

/**
 * The bytes of a file, piece after piece in one buffer that is filled again and again: each is valid until the next is asked for. A stream's buffer for
 * every piece costs more than the reading.
 */
export const piecesOf = async function* (path: string): AsyncGenerator<Buffer> {
  const file = await open(path)
  try {
    const buffer = Buffer.allocUnsafeSlow(pieceBytes)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, pieceBytes)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
