import { defineConfig } from 'vitest/config'

/** Suites that need neither a database nor Redis: they start at once. */
const pure = [
  'test/{sdk,adapters,conformance,types,docs,samples}/**/*.test.ts',
  'test/gateway/{domain,day}/**/*.test.ts',
  'test/gateway/{claim,config,folder,main,pki,ports}.test.ts',
  'test/month/**/*.test.ts',
  'test/gateway/flows/{breaker,detail-file,guard,order,secrets}.test.ts',
  'test/gateway/store/{settle-break,spool}.test.ts',
  'test/tidy.test.ts',
]
const never = ['test/bench/**', '**/node_modules/**', '**/dist/**']
const common = { testTimeout: 60_000, hookTimeout: 120_000, pool: 'forks' as const }

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default', './test/closing-reporter.ts'],
    projects: [
      { test: { ...common, name: 'pure', include: pure, exclude: never } },
      {
        test: { ...common, name: 'whole', include: ['test/**/*.test.ts'], exclude: [...pure, ...never], globalSetup: 'test/services.ts' },
      },
    ],
  },
})
