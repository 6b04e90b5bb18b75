import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  type AuditEntry,
  type AuditRow,
  type Broken,
  type Digest,
  genesis,
  type Head,
  linked,
  openCheck,
} from '../../../gateway/domain/audit.ts'

const digest: Digest = text => hash('sha256', text, 'hex')

/** A generator of its own for each seed (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) % below
  }
}

const names = ['zhang', 'li', 'wang', 'zhou']
const entryOf = (n: number): AuditEntry => ({
  at: new Date(Date.UTC(2026, 10, 10) + n * 1_000),
  actor: `urn:taxlink:operator:${names[n % 4]}`,
  action: ['propose', 'approve', 'sign-in', 'reject'][n % 4]!,
  subject: `proposal/${n}`,
  officeCode: n % 3 === 0 ? undefined : '14301020000',
  detail: JSON.stringify({ kind: 'halt-bank', n }),
})
/** Chains onto a head as many entries as given. */
const chained = (entries: readonly AuditEntry[], from: Head = genesis): AuditRow[] => {
  const rows: AuditRow[] = []
  for (const entry of entries) rows.push(linked(rows.at(-1) ?? from, entry, digest))
  return rows
}
const whole = chained(Array.from({ length: 60 }, (_, i) => entryOf(i)))
const headAt = (seq: number): Head => whole[seq - 1] ?? genesis

const look = (rows: readonly AuditRow[], kept: readonly Head[], counter: Head): Broken | undefined => {
  const check = openCheck(kept, counter, digest)
  for (const row of [...rows].sort((a, b) => a.seq - b.seq)) {
    const broken = check.next(row)
    if (broken) return broken
  }
  return check.end()
}

test('a chain that nobody touched is whole, from none to many rows, against every head of it', () => {
  for (let n = 0; n <= whole.length; n++) {
    const kept = Array.from({ length: n + 1 }, (_, i) => headAt(i))
    expect(look(whole.slice(0, n), kept, headAt(n))).toBeUndefined()
  }
})

test('no value of a row can be another without another hash', () => {
  const [row] = whole
  for (const change of [
    { at: new Date(row!.at.getTime() + 1) },
    { actor: 'urn:taxlink:operator:x' },
    { action: 'x' },
    { subject: 'x' },
    { officeCode: '1' },
    { detail: '{}' },
  ])
    expect(linked(genesis, { ...row!, ...change }, digest).hash).not.toBe(row!.hash)
  // Nor by moving a part of one value into its neighbour.
  const moved = { ...row!, actor: `${row!.actor}"`, action: row!.action.slice(1) }
  expect(linked(genesis, moved, digest).hash).not.toBe(row!.hash)
})

type Attack = { readonly rows: readonly AuditRow[]; readonly counter: Head; readonly from: number; readonly to: number }
type Random = ReturnType<typeof randomOf>
/** A row with one value changed in one of many ways. */
const edited = (row: AuditRow, random: Random): AuditRow => {
  const flip = (hex: string) => `${hex.slice(0, 10)}${hex[10] === '0' ? '1' : '0'}${hex.slice(11)}`
  const ways: readonly (() => Partial<AuditRow>)[] = [
    () => ({ at: new Date(row.at.getTime() + 1 + random(100_000)) }),
    () => ({ actor: `urn:taxlink:operator:${names.find(name => !row.actor.endsWith(name))}` }),
    () => ({ action: `${row.action}d` }),
    () => ({ subject: `proposal/${1_000 + random(1_000)}` }),
    () => ({ officeCode: row.officeCode === undefined ? '14301020000' : undefined }),
    () => ({ detail: row.detail.replace('halt', 'resume') }),
    () => ({ detail: `${row.detail} ` }),
    () => ({ hash: flip(row.hash) }),
    () => ({ prevHash: flip(row.prevHash) }),
    () => ({ prevHash: flip(row.prevHash), hash: flip(row.hash) }),
  ]
  return { ...row, ...ways[random(ways.length)]!() }
}
/** The rows with the hashes of all from `at` (an index) made anew, as somebody would who knows how. */
const remade = (rows: readonly AuditRow[], at: number): AuditRow[] => [
  ...rows.slice(0, at),
  ...chained(rows.slice(at), rows[at - 1] ?? genesis),
]

/** Ways to tamper: the rows and the counter that are left, and the range in which the first broken place must be named. */
const attacks: { readonly [name: string]: (random: Random, vouched: readonly number[]) => Attack } = {
  'a value is edited': random => {
    const i = random(whole.length)
    return { rows: whole.with(i, edited(whole[i]!, random)), counter: headAt(60), from: i + 1, to: i + 1 }
  },
  'a row is edited and hashed anew': (random, vouched) => {
    const i = random(whole.length - 1)
    const forged = linked(headAt(i), { ...whole[i]!, detail: '{"forged":true}' }, digest)
    // It fits by itself; the next does not follow it.
    return { rows: whole.with(i, forged), counter: headAt(60), ...between(i + 1, vouched), to: i + 2 }
  },
  'a row is edited, and all behind it hashed anew, the counter too': (random, vouched) => {
    const i = random(whole.length)
    const rows = remade(whole.with(i, { ...whole[i]!, detail: '{"forged":true}' }), i)
    return { rows, counter: rows.at(-1)!, ...between(i + 1, vouched) }
  },
  'rows are deleted': random => {
    const i = random(whole.length - 1)
    const n = 1 + random(Math.min(5, whole.length - 1 - i))
    return { rows: whole.toSpliced(i, n), counter: headAt(60), from: i + 1, to: i + n }
  },
  'rows are deleted and the numbers closed up': random => {
    const i = random(whole.length - 1)
    const rows = whole.toSpliced(i, 1).map((row, at) => ({ ...row, seq: at + 1 }))
    return { rows, counter: headAt(60), from: i + 1, to: i + 1 }
  },
  'rows are deleted, the numbers closed up, all hashed anew, the counter too': (random, vouched) => {
    const i = random(whole.length - 1)
    const rows = remade(
      whole.toSpliced(i, 1).map((row, at) => ({ ...row, seq: at + 1 })),
      i,
    )
    return { rows, counter: rows.at(-1)!, ...between(i + 1, vouched) }
  },
  'two rows change places': random => {
    const [i, j] = twoOf(random)
    const [a, b] = [whole[i]!, whole[j]!]
    return { rows: whole.with(i, { ...b, seq: a.seq }).with(j, { ...a, seq: b.seq }), counter: headAt(60), from: i + 1, to: i + 1 }
  },
  'what two rows say changes places': random => {
    const [i, j] = twoOf(random)
    const [a, b] = [whole[i]!, whole[j]!]
    const said = ({ at, actor, action, subject, officeCode, detail }: AuditRow) => ({ at, actor, action, subject, officeCode, detail })
    return { rows: whole.with(i, { ...a, ...said(b) }).with(j, { ...b, ...said(a) }), counter: headAt(60), from: i + 1, to: i + 1 }
  },
  'a row is put in and the numbers moved on': (random, vouched) => {
    const i = random(whole.length)
    const forged = linked(headAt(i), entryOf(777), digest)
    const rows = [...whole.slice(0, i), forged, ...whole.slice(i).map(row => ({ ...row, seq: row.seq + 1 }))]
    return { rows, counter: headAt(60), ...between(i + 1, vouched), to: i + 2 }
  },
  'a row is added behind the counter': () => ({
    rows: [...whole, linked(headAt(60), entryOf(777), digest)],
    counter: headAt(60),
    from: 61,
    to: 61,
  }),
  'the end is cut off': random => {
    const n = random(whole.length)
    return { rows: whole.slice(0, n), counter: headAt(60), from: n + 1, to: 60 }
  },
  'the end is cut off and the counter set back': (random, vouched) => {
    const n = random(Math.max(...vouched))
    return { rows: whole.slice(0, n), counter: headAt(n), from: n + 1, to: Math.max(...vouched) }
  },
  'the end is cut off, and other rows put in its place, the counter too': (random, vouched) => {
    const n = random(Math.max(...vouched))
    const rows = [
      ...whole.slice(0, n),
      ...chained(
        Array.from({ length: 60 - n }, (_, i) => entryOf(500 + i)),
        headAt(n),
      ),
    ]
    return { rows, counter: rows.at(-1)!, ...between(n + 1, vouched) }
  },
}
const twoOf = (random: Random): [number, number] => {
  const i = random(whole.length - 1)
  return [i, i + 1 + random(whole.length - 1 - i)]
}
/** What was made anew throughout is told between the last head it still agrees with and the first it does not. */
const between = (first: number, vouched: readonly number[]) => ({
  from: Math.max(0, ...vouched.filter(seq => seq < first)) + 1,
  to: Math.min(...vouched.filter(seq => seq >= first)),
})

describe('whoever tampers is found out, and where', () => {
  const tries = 800
  test.each(Object.entries(attacks))(`%s: ${tries} times`, (name, attack) => {
    for (let seed = 1; seed <= tries; seed++) {
      const random = randomOf(seed * 7_919 + name.length)
      // The last head is exported after the last row, others before.
      const vouched = [60, ...Array.from({ length: random(4) }, () => 1 + random(59))]
      const { rows, counter, from, to } = attack(random, vouched)
      const broken = look(rows, vouched.map(headAt), counter)
      expect(broken, `seed ${seed}`).toBeDefined()
      expect(broken!.from, `seed ${seed}: ${JSON.stringify(broken)}`).toBeGreaterThanOrEqual(from)
      expect(broken!.vouched, `seed ${seed}: ${JSON.stringify(broken)}`).toBeLessThan(to)
      expect(broken!.to, `seed ${seed}: ${JSON.stringify(broken)}`).toBeLessThanOrEqual(to)
    }
  })
  test('that is more than ten thousand', () => {
    expect(Object.keys(attacks).length * tries).toBeGreaterThan(10_000)
  })
})

test('without a head kept elsewhere, a chain made anew with its counter cannot be told from the true one', () => {
  const rows = remade(whole.with(9, { ...whole[9]!, detail: '{}' }), 9)
  expect(look(rows, [], rows.at(-1)!)).toBeUndefined()
  expect(look(rows, [headAt(9)], rows.at(-1)!)).toBeUndefined()
  expect(look(rows, [headAt(9), headAt(12)], rows.at(-1)!)).toEqual({ what: 'rewritten', from: 10, to: 12, vouched: 9 })
})
