import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bugs } from '../patch/bugs.ts'
import { edited } from '../patch/patch.ts'
import { runSeed } from './run.ts'

const root = join(import.meta.dirname, '../..')
const minutes = 60_000

/** Runs the program of `npm run simulate`; its exit code and what it said. */
const simulate = (...flags: string[]): Promise<{ readonly code: number; readonly said: string }> =>
  new Promise(resolve => {
    execFile(process.execPath, ['test/simulate/main.ts', ...flags], { cwd: root, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, said: stdout + stderr })
    })
  })

describe('a seed', () => {
  test.each([1, 2, 4, 5])('%i happens the same way twice, byte for byte', { timeout: 5 * minutes }, async seed => {
    const [lines, again]: [string[], string[]] = [[], []]
    const first = await runSeed(seed, line => lines.push(line))
    const second = await runSeed(seed, line => again.push(line))
    expect(lines.length).toBeGreaterThan(100)
    expect(again.join('\n')).toBe(lines.join('\n'))
    // Told or untold, it is the same trace.
    expect([second.digest, (await runSeed(seed)).digest]).toEqual([first.digest, first.digest])
  })
  test('another happens in another way', { timeout: 5 * minutes }, async () => {
    expect((await runSeed(4)).digest).not.toBe((await runSeed(5)).digest)
  })
  test(
    'that fails names itself and how it is played again, and fails again',
    async () => {
      const many = await simulate('--bug', 'not-found-is-final', '--seeds', '50')
      expect(many.said).toMatch(/^not-found-is-final +caught by checker [a-z-]+ +after +\d+ seeds, at seed \d+$/m)
      expect(many.code).toBe(0)
      const seed = /at seed (\d+)/.exec(many.said)![1]!
      const one = await simulate('--bug', 'not-found-is-final', '--seed', seed)
      const clean = await simulate('--seed', seed)
      expect([one.code, clean.code]).toEqual([1, 0])
      // In another process it is the same, too.
      expect(clean.said).toContain(`trace ${(await runSeed(Number(seed))).digest}: clean`)
      expect(one.said).toMatch(new RegExp(`^seed ${seed}: .*, trace [0-9a-f]{16}: [a-z-]+: `, 'm'))
    },
    10 * minutes,
  )
})

describe('many seeds', () => {
  test('keep every promise', { timeout: 10 * minutes }, async () => {
    const { code, said } = await simulate('--seeds', '100')
    expect(said).toMatch(/^100 seeds .* 0 failed/m)
    expect(code).toBe(0)
  })
  test('that failed once are clean', { timeout: 10 * minutes }, async () => {
    const { code, said } = await simulate('--corpus')
    expect(said).toMatch(/ 0 failed/m)
    expect(code).toBe(0)
  })
})

describe('planted bugs', () => {
  test('there are enough, and no two of one name', () => {
    expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length)
    expect(bugs.length).toBeGreaterThanOrEqual(40)
  })
  test.each(bugs)('$name finds each of its places exactly once', ({ edits }) => {
    const texts = new Map<string, string>()
    for (const { file, find, replace } of edits) {
      const text = texts.get(file) ?? readFileSync(join(root, file), 'utf8')
      texts.set(file, edited(text, find, replace))
    }
  })
  test('a place that is not there, or there twice, is told', () => {
    expect(() => edited('a b a', 'a', 'c')).toThrow('2 times')
    expect(() => edited('a b a', 'd', 'c')).toThrow('0 times')
  })
  const shown = readFileSync(join(import.meta.dirname, 'planted.txt'), 'utf8')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
  test('each has its line: none is too rare to be seen', () => {
    expect(shown).toHaveLength(bugs.length)
    expect(new Set(shown.map(line => line.split(' ')[0]))).toEqual(new Set(bugs.map(({ name }) => name)))
    for (const line of shown) expect(line).toMatch(/^[a-z-]+ \d+ [a-z0-9-]+$/)
  })
  test('each is caught at its seed, which is clean without it', { timeout: 15 * minutes }, async () => {
    const { code, said } = await simulate('--planted')
    const many = shown.length
    expect(said.split('\n').filter(line => line.includes('NOT CAUGHT'))).toEqual([])
    expect(said).toContain(`${many} of ${many} planted bugs caught`)
    expect(code).toBe(0)
  })
})
