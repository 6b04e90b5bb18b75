import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/**
 * The closing line of a run, after every other reporter has spoken: one plain sentence a machine can read,
 * `12 passed, 0 failed, 1 skipped`. It never looks like success when the run was none: a file that cannot be loaded, a hook that
 * fails and an error outside any test count as failed, and so does a run that ends with an error before its first test.
 */
export default class ClosingReporter implements Reporter {
  #passed = 0
  #failed = 0
  #skipped = 0

  onInit(): void {
    process.once('exit', code => {
      if (code !== 0 && this.#failed === 0) this.#failed = 1
      process.stdout.write(`${this.#passed} passed, ${this.#failed} failed, ${this.#skipped} skipped\n`)
    })
  }

  onTestRunEnd(modules: readonly TestModule[], stray: readonly SerializedError[]): void {
    this.#passed = 0
    this.#skipped = 0
    this.#failed = stray.length
    for (const module of modules) {
      if (module.errors().length > 0) this.#failed++
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) this.#failed++
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') this.#passed++
        else if (state === 'failed') this.#failed++
        else this.#skipped++
      }
    }
  }
}
