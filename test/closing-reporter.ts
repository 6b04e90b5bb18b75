import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** The closing line of a run: one plain sentence a machine can read, `12 passed, 0 failed, 1 skipped`. */
export const closingLine = (modules: ReadonlyArray<Pick<TestModule, 'children' | 'errors'>>, stray: readonly unknown[]): string => {
  const count = { passed: 0, failed: stray.length, skipped: 0, pending: 0 }
  for (const module of modules) {
    // A file that cannot be loaded has no tests; it must not look like a file in which nothing failed.
    if (module.errors().length > 0) count.failed += 1
    for (const test of module.children.allTests()) count[test.result().state] += 1
    for (const suite of module.children.allSuites()) if (suite.errors().length > 0) count.failed += 1
  }
  return `${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped`
}

/** Prints the closing line after every other reporter has spoken. */
export default class ClosingReporter implements Reporter {
  #line = ''

  onTestRunEnd(modules: readonly TestModule[], stray: readonly SerializedError[]): void {
    this.#line = closingLine(modules, stray)
    process.once('exit', () => process.stdout.write(`${this.#line}\n`))
  }
}
