import { expect, test } from 'vitest'
import { type SessionEvent, type SessionState, sessionMachine } from '../../../gateway/domain/session.ts'

// The oracle: a session goes one way along this road, and what each event needs is said in words of its own.
const road = ['opened', 'settling', 'frozen', 'awaited', 'taken', 'matched'] as const
const ends = ['balanced', 'differing', 'withdrawn'] as const
const events: readonly SessionEvent[] = ['settle', 'freeze', 'await', 'take', 'refuse', 'match', 'balance', 'differ', 'withdraw']

const oracle = (from: SessionState, on: SessionEvent): SessionState | undefined => {
  const at: number = (road as readonly SessionState[]).indexOf(from)
  const hasFile = from === 'taken' || from === 'matched'
  switch (on) {
    case 'settle':
      return from === 'opened' ? 'settling' : undefined
    case 'freeze':
      // Within a day nobody waits for doubts.
      return at === 0 || at === 1 ? 'frozen' : undefined
    case 'await':
      return from === 'frozen' ? 'awaited' : undefined
    case 'take':
      return from === 'awaited' ? 'taken' : undefined
    case 'refuse':
      // A file that is refused leaves nothing behind: the next is waited for.
      return from === 'taken' ? 'awaited' : undefined
    case 'match':
      return from === 'taken' ? 'matched' : undefined
    case 'balance':
      // By its totals, by its file, or when its last break is confirmed.
      return ['frozen', 'matched', 'differing'].includes(from) ? 'balanced' : undefined
    case 'differ':
      return ['frozen', 'matched'].includes(from) ? 'differing' : undefined
    case 'withdraw':
      return at >= 0 && !hasFile ? 'withdrawn' : undefined
  }
}

test('every cell', () => {
  const states = [...road, ...ends]
  expect(Object.keys(sessionMachine.table).sort()).toEqual([...states].sort())
  for (const from of states)
    for (const on of events) expect([from, on, sessionMachine.next(from, on)]).toEqual([from, on, oracle(from, on)])
})

test('what has been compared never becomes uncompared', () => {
  for (const from of ['matched', 'balanced', 'differing'] as const)
    for (const on of events) expect(['matched', 'balanced', 'differing', undefined]).toContain(sessionMachine.next(from, on))
})
