import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../gateway/config.ts'
import { exists, page, root } from './page.ts'

// docs/deploy against the code: verbs, variables, paths, and how long a process may take to stop.

const folder = 'docs/deploy'
const files = readdirSync(join(root, folder))
const units = files.filter(name => name.endsWith('.service'))
const main = page('gateway/main.ts')
const verbs = [...main.matchAll(/\.command\('(\w+)'\)/g)].map(([, verb]) => verb!)
const all = (text: string, form: RegExp): string[] => [...text.matchAll(form)].map(([, found]) => found!)

/** Variables of a file of settings, those that are commented out too. */
const variables = (text: string): string[] => all(text, /^#?([A-Z][A-Z_0-9]*)=/gm)
/** What the configuration says of a variable by this name; nothing of a known one but what is wrong with its value. */
const saidOf = (name: string): string => {
  try {
    readConfig({ [name]: 'x' })
    return ''
  } catch (error) {
    return String(error)
  }
}
const isKnown = (name: string): boolean =>
  name === 'NODE_ENV' || (/^(TAXLINK_|DATABASE_URL|REDIS_URL)/.test(name) && !saidOf(name).includes('is unknown'))

test('the page tells of every file', () => {
  const told = page('docs/deploy.md')
  expect(files.filter(name => !told.includes(`deploy/${name}`))).toEqual([])
})

describe('the steps of the page', () => {
  const told = page('docs/deploy.md')
  const steps = [...told.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text!).join('')
  const written = (path: string): boolean =>
    steps.split('\n').some(line => /\b(?:install|tee)\b/.test(line) && line.includes(path.slice(path.lastIndexOf('/') + 1)))
  const named = [
    ...units.flatMap(name => all(page(`${folder}/${name}`), /^EnvironmentFile=-?(\S+)$/gm)),
    ...all(page(`${folder}/taxlink.env.example`), /^[A-Z_0-9]+=(\/etc\/taxlink\/\S+)$/gm),
    ...all(page(`${folder}/compose.yaml`), /(\/etc\/taxlink\/\w+\.env)/g),
  ].flatMap(path => (path.includes('%i') ? ['1', '2'].map(instance => path.replace('%i', instance)) : [path]))
  test.each([...new Set(named)])('%s, which a unit or a setting names, is put there', path => {
    expect(written(path)).toBe(true)
  })
  test('what is enabled has an [Install]', () => {
    const enabled = all(steps, /systemctl enable (?:--now )?(.*)$/gm).flatMap(list => list.split(' '))
    expect(enabled.length).toBeGreaterThan(4)
    for (const unit of enabled) {
      const file = unit.includes('.') ? unit : `${unit.replace(/@.*/, '@')}.service`
      expect(page(`${folder}/${file}`)).toMatch(/^\[Install\]$/m)
    }
  })
  test('the account that migrates may do more than the one that runs, and both are there before the start', () => {
    const grants = all(told, /^GRANT (.*) ON taxlink\.\* TO 'taxlink/gm).map(list => list.split(', ').length)
    expect(grants).toEqual([10, 4])
    expect(told.indexOf('GRANT')).toBeLessThan(told.indexOf('systemctl start'))
    for (const account of ['taxlink_migrate:', 'taxlink:']) expect(steps).toContain(`mysql://${account}`)
  })
})

describe('settings', () => {
  test.each(variables(page(`${folder}/taxlink.env.example`)))('%s is known to the configuration', name => {
    expect(isKnown(name)).toBe(true)
  })
  test.each(['TAXLINK_PROT', 'DATABASE_URI', 'TAXLINK_LOG_LEVEL_FILE', 'TAXLINK_BANK_43O1_URL'])('%s would be found', name => {
    expect(isKnown(name)).toBe(false)
  })
  test('in production nothing is missing but the files themselves', () => {
    const given = [...page(`${folder}/taxlink.env.example`).matchAll(/^([A-Z_0-9]+)=(.+)$/gm)].map(([, name, value]) => [name!, value!])
    let said = ''
    try {
      readConfig(Object.fromEntries(given))
    } catch (error) {
      said = String(error)
    }
    const wrong = said.split('\n').slice(1)
    expect(wrong.length).toBeGreaterThan(0)
    expect(wrong.filter(line => !/must be set in production|cannot be read/.test(line))).toEqual([])
    // What is said to be missing is given by a file that is not here.
    const missing = all(said, /^\s*(\w+): .*must be set in production/gm)
    expect(missing.filter(name => !given.some(([own]) => own === name || own === `${name}_FILE`))).toEqual([])
  })
})

describe.each(units)('%s', name => {
  const unit = page(`${folder}/${name}`)
  test('starts a verb that there is', () => {
    const [, program, verb] = /^ExecStart=\/usr\/bin\/node (\S+) (\w+)$/m.exec(unit) ?? []
    expect(exists(program ?? '')).toBe(true)
    expect(verbs).toContain(verb)
    expect(name).toMatch(new RegExp(`^taxlink-${verb}@?\\.service$`))
  })
  test('names only variables and units that there are', () => {
    expect(all(unit, /^Environment=(\w+)=/gm).filter(own => !isKnown(own))).toEqual([])
    const named = all(unit, /^(?:Wants|Requires|After|PartOf|WantedBy)=(.*)$/gm).flatMap(list =>
      list.split(' ').filter(own => own.startsWith('taxlink')),
    )
    expect(named.filter(own => !files.includes(own))).toEqual([])
  })
  if (!unit.includes('Type=oneshot'))
    test('has longer to stop than the process takes', () => {
      const verb = /main\.ts (\w+)$/m.exec(unit)![1]!
      const own = Number(new RegExp(`\\.command\\('${verb}'\\)[\\s\\S]*?onStop\\(([\\d_]+),`).exec(main)![1]!.replaceAll('_', ''))
      expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1]) * 1000).toBeGreaterThan(own)
      expect(unit).toMatch(/^KillMode=mixed$/m)
      expect(unit).toMatch(/^Restart=on-failure$/m)
    })
})

describe('containers', () => {
  const compose = page(`${folder}/compose.yaml`)
  const dockerfile = page(`${folder}/Dockerfile`)
  test('every command of ours is a verb', () => {
    const commands = all(compose, /command: \["(\w+)"\]/g)
    expect(new Set(commands)).toEqual(new Set(['migrate', 'serve', 'work']))
    for (const verb of [...commands, /^CMD \["(\w+)"\]/m.exec(dockerfile)![1]!]) expect(verbs).toContain(verb)
  })
  test('the image holds what it copies, and every room the gateway stands on', () => {
    const copied = all(dockerfile, /^COPY (.+) \S+$/gm).flatMap(list => list.split(' '))
    expect(copied.filter(path => !exists(path))).toEqual([])
    for (const room of ['gateway', 'sdk', 'adapters', 'migrations']) expect(copied).toContain(room)
  })
  test('the database of the profile keeps what it commits', () => {
    for (const option of ['--innodb-flush-log-at-trx-commit=1', '--sync-binlog=1', '--log-bin-trust-function-creators=1'])
      expect(compose).toContain(option)
  })
})
