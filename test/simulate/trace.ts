/** What happened, as a number and, if wanted, as text: two runs are the same exactly if their numbers are. */
export class Trace {
  #a = 0x811c9dc5
  #b = 0x01000193
  readonly #say: ((line: string) => void) | undefined

  /** `say` gets each line; without it no text is ever made. */
  constructor(say?: (line: string) => void) {
    this.#say = say
  }

  /** Adds one happening at `now`. */
  add(now: number, who: string, what: string, about: string | number = ''): void {
    this.#mix(now % 4_294_967_296)
    this.#mix(Math.floor(now / 4_294_967_296))
    this.#text(who)
    this.#text(what)
    if (typeof about === 'number') this.#mix(about)
    else this.#text(about)
    this.#say?.(`${new Date(now).toISOString()} ${who.padEnd(10)} ${what} ${about}`)
  }

  /** The number of all that happened so far, 16 hexadecimal digits. */
  get digest(): string {
    const hex = (n: number) => (n >>> 0).toString(16).padStart(8, '0')
    return hex(this.#a) + hex(this.#b)
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i))
  }

  #mix(n: number): void {
    this.#a = Math.imul(this.#a ^ n, 0x01000193)
    this.#b = Math.imul((this.#b ^ n) + 0x9e3779b9, 0x85ebca6b)
    this.#b ^= this.#b >>> 13
  }
}
