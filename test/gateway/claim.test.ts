import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claim } from '../../gateway/local.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'taxlink-claim-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** Claims in a process that is, by its arguments, a start; says how that went. */
const elsewhere = (work: string): string => {
  const main = join(dir, 'main.ts')
  writeFileSync(main, `import { claim } from ${JSON.stringify(join(import.meta.dirname, '../../gateway/local.ts'))}\n${work}`)
  const { stdout, stderr } = spawnSync(process.execPath, [main, 'start', dir], { encoding: 'utf8' })
  return stdout + stderr
}

test('a directory is claimed, given back and claimed again', () => {
  claim(dir)()
  expect(existsSync(join(dir, 'start.pid'))).toBe(false)
  claim(dir)
  expect(readFileSync(join(dir, 'start.pid'), 'utf8')).toBe(String(process.pid))
})

test('while a start lives there another is refused, and told which and what to do', () => {
  const said = elsewhere(`
    import { spawnSync } from 'node:child_process'
    const folder = process.argv[3]
    if (process.argv[4]) { try { claim(folder) } catch (error) { console.log(error.message) } }
    else { claim(folder); process.stdout.write(spawnSync(process.execPath, [process.argv[1], 'start', folder, 'second'], { encoding: 'utf8' }).stdout) }
  `)
  expect(said).toMatch(/T4001 .*another start \(process [0-9]+\) uses .*TAXLINK_DATA_DIR/)
})

test('the claim of a killed start is taken over, and so is that of a number that another program has', () => {
  elsewhere(`claim(process.argv[3]); process.kill(process.pid, 'SIGKILL')`)
  expect(existsSync(join(dir, 'start.pid'))).toBe(true)
  claim(dir)()
  if (!existsSync('/proc/self/cmdline')) return
  writeFileSync(join(dir, 'start.pid'), String(process.ppid))
  claim(dir)
  expect(readFileSync(join(dir, 'start.pid'), 'utf8')).toBe(String(process.pid))
})
