// Builds the package a bank installs: plain JavaScript for Node 20 or later, its declarations and its source maps.
//   node sdk/build.ts [folder]      then: npm pack ./sdk/dist
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'

const here = import.meta.dirname
const out = resolve(process.argv[2] ?? join(here, 'dist'))
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

rmSync(out, { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [compiler, '-p', join(here, 'tsconfig.build.json'), '--outDir', out], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

const { name, version, description, type, license, engines, dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
const manifest = {
  ...{ name, version, description, type, license, engines },
  types: './index.d.ts',
  exports: { '.': { types: './index.d.ts', default: './index.js' } },
  files: ['*.js', '*.d.ts', '*.map', 'README.md'],
  dependencies,
}
writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
copyFileSync(join(here, 'README.md'), join(out, 'README.md'))
