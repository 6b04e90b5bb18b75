/** A promise that was broken, and the checker that saw it. */
export class Broken extends Error {
  readonly checker: string
  constructor(checker: string, what: string) {
    super(`${checker}: ${what}`)
    this.checker = checker
  }
}

/** Says that a promise was broken. */
export const broken = (checker: string, what: string): never => {
  throw new Broken(checker, what)
}
