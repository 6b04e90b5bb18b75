import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { clockAhead } from '../../../gateway/store/clock.ts'
import { CommitUnknown, type Database, errnoOf, openDatabase, type Scalar } from '../../../gateway/store/database.ts'
import { emptyDatabase, type FreshDatabase } from '../../database.ts'
import { until } from '../stage.ts'
import { openProxy } from './cut.ts'

let fresh: FreshDatabase
let db: Database
const opened: Database[] = []
const open = (url: string, connections: number, more: { statementTimeout?: number } = {}): Database => {
  const database = openDatabase(url, { connections, random: () => 0, ...more })
  opened.push(database)
  return database
}

beforeAll(async () => {
  fresh = await emptyDatabase(8)
  db = fresh.db
  await db.execute('CREATE TABLE account (id INT PRIMARY KEY, fen BIGINT NOT NULL)')
  await db.execute(
    'CREATE TABLE kept (id INT PRIMARY KEY AUTO_INCREMENT, at DATETIME(3), day DATE, big BIGINT, bytes VARBINARY(8), made DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3))',
  )
})
beforeEach(async () => {
  await db.execute('DELETE FROM account')
  await db.execute('INSERT INTO account VALUES (1, 100), (2, 100)')
})
afterAll(async () => {
  for (const each of opened) await each.close()
  await fresh.drop()
})

const balance = async (id: number): Promise<number | undefined> =>
  (await db.query<{ fen: number }>('SELECT fen FROM account WHERE id = ?', [id]))[0]?.fen
const thrown = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error,
  )
const killed = async (tx: Pick<Database, 'query'>): Promise<void> => {
  const [me] = await tx.query<{ id: number }>('SELECT CONNECTION_ID() AS id')
  await db.query('KILL ?', [me?.id ?? 0]).catch(() => {})
  await pause(50)
}

describe('the session', () => {
  test('is UTC, READ COMMITTED and strict, whatever the server is, also through the raw pool', async () => {
    const [before] = await db.query<{ zone: string; mode: string }>('SELECT @@global.time_zone AS zone, @@global.sql_mode AS mode')
    await db.pool.query("SET GLOBAL time_zone = '+08:00', GLOBAL sql_mode = ''")
    const other = open(fresh.url, 2)
    try {
      const sql = 'SELECT @@time_zone zone, @@tx_isolation isolation, @@innodb_lock_wait_timeout wait, @@sql_mode mode'
      const [raw] = await other.pool.query(sql)
      const [row] = await other.query(sql)
      expect(raw).toEqual([row])
      expect(row).toMatchObject({ zone: '+00:00', isolation: 'READ-COMMITTED', wait: 5 })
      expect(row).toHaveProperty('mode', expect.stringMatching(/STRICT_TRANS_TABLES.*ERROR_FOR_DIVISION_BY_ZERO/))

      // The eight hours that are lost when one side thinks in Beijing time.
      const at = new Date('2026-06-30T23:59:59.987Z')
      await other.execute('INSERT INTO kept (at, day) VALUES (?, ?)', [at, '2026-07-01'])
      const [kept] = await other.query<Record<string, unknown>>(
        'SELECT at, day, made, CAST(at AS CHAR) AS text, at = ? AS same FROM kept ORDER BY id DESC LIMIT 1',
        [at],
      )
      expect(kept).toMatchObject({ at, day: '2026-07-01', text: '2026-06-30 23:59:59.987', same: 1 })
      const drift = kept?.made instanceof Date ? Math.abs(kept.made.getTime() - Date.now()) : Number.NaN
      expect(drift).toBeLessThan(3_600_000)
    } finally {
      await db.pool.query('SET GLOBAL time_zone = ?, GLOBAL sql_mode = ?', [before?.zone, before?.mode])
    }
  })

  test('refuses what a lax server would bend: a cut text, a zero date, two statements in one', async () => {
    expect(errnoOf(await thrown(db.execute('INSERT INTO kept (bytes) VALUES (?)', ['123456789'])))).toBe(1406)
    expect(errnoOf(await thrown(db.execute("INSERT INTO kept (day) VALUES ('0000-00-00')")))).toBe(1292)
    expect(errnoOf(await thrown(db.query('SELECT 1; SELECT 2')))).toBe(1064)
  })

  test('the URL cannot loosen it', () => {
    const fault = { fault: 'bad-config' }
    const tried = (url: string) => () => openDatabase(url, { connections: 1 })
    expect(tried('mysql://u:hunter2@h/d?multipleStatements=true')).toThrow(expect.objectContaining(fault))
    expect(tried('postgres://u:hunter2@h/d')).toThrow(expect.objectContaining(fault))
    expect(tried('hunter2')).toThrow(expect.not.stringContaining('hunter2'))
  })
})

describe('values', () => {
  test.each<[Scalar, unknown]>([
    [0, 0],
    [-1, -1],
    [999_999_999_999_999, 999_999_999_999_999],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    [9_007_199_254_740_993n, '9007199254740993'],
    [-9_223_372_036_854_775_808n, '-9223372036854775808'],
    ['9223372036854775807', '9223372036854775807'],
    [true, 1],
    [null, null],
  ])('BIGINT %s comes back whole', async (value, back) => {
    await db.execute('INSERT INTO kept (big) VALUES (?)', [value])
    expect(await db.query('SELECT big FROM kept ORDER BY id DESC LIMIT ?', [1])).toEqual([{ big: back }])
    expect(await db.query('SELECT COUNT(*) > 0 AS found FROM kept WHERE big <=> ?', [value])).toEqual([{ found: 1 }])
  })

  test('sums are strings, bytes are bytes', async () => {
    expect(await db.query('SELECT SUM(fen) AS total FROM account')).toEqual([{ total: '200' }])
    await db.execute('INSERT INTO kept (bytes) VALUES (?)', [new Uint8Array([0xd5, 0x5c, 0, 0xff])])
    const [row] = await db.query<{ bytes: Buffer }>('SELECT bytes FROM kept ORDER BY id DESC LIMIT 1')
    expect([...(row?.bytes ?? [])]).toEqual([0xd5, 0x5c, 0, 0xff])
  })

  test.each([{ a: 1 }, [1, 2], undefined, 1.5, Number.NaN, 2 ** 53, 2n ** 64n, new Date(Number.NaN), () => 1])(
    '%s is not bound',
    async value => {
      for (const call of [db.query('SELECT ? AS v', [value as never]), db.execute('DELETE FROM account WHERE id = ?', [value as never])])
        expect(await thrown(call)).toBeInstanceOf(TypeError)
      expect(await balance(1)).toBe(100)
    },
  )

  test('affectedRows counts matches: a compare-and-set that changes nothing new still holds', async () => {
    const set = 'UPDATE account SET fen = 100 WHERE id = ? AND fen = ?'
    expect((await db.execute(set, [1, 100])).affectedRows).toBe(1)
    expect((await db.execute(set, [1, 99])).affectedRows).toBe(0)
  })
})

describe('transactions', () => {
  test('commit together or not at all', async () => {
    expect(await db.transaction(async tx => (await tx.execute('UPDATE account SET fen = fen - 1')).affectedRows)).toBe(2)
    const business = new Error('not enough')
    const work = db.transaction(async tx => {
      await tx.execute('UPDATE account SET fen = 0')
      throw business
    })
    expect(await thrown(work)).toBe(business)
    expect([await balance(1), await balance(2)]).toEqual([99, 99])
  })

  test('thirty withdrawals at once with FOR UPDATE lose none', async () => {
    const withdraw = () =>
      db.transaction(async tx => {
        const [row] = await tx.query<{ fen: number }>('SELECT fen FROM account WHERE id = 1 FOR UPDATE')
        await tx.execute('UPDATE account SET fen = ? WHERE id = 1', [(row?.fen ?? 0) - 3])
      })
    await Promise.all(Array.from({ length: 30 }, withdraw))
    expect(await balance(1)).toBe(10)
  })

  test('a deadlock is run again as a whole, and each effect happens once', async () => {
    let attempts = 0
    let waiting: (() => void)[] = []
    // Both hold their first row before either asks for the second; later attempts pass.
    const meet = () =>
      new Promise<void>(go => {
        waiting.push(go)
        if (attempts > 2 || waiting.length === 2) {
          for (const each of waiting) each()
          waiting = []
        }
      })
    const move = (from: number, to: number) =>
      db.transaction(async tx => {
        attempts++
        await tx.execute('UPDATE account SET fen = fen - 1 WHERE id = ?', [from])
        await meet()
        await tx.execute('UPDATE account SET fen = fen + 1 WHERE id = ?', [to])
      })
    await Promise.all([move(1, 2), move(2, 1)])
    expect(attempts).toBe(3)
    expect([await balance(1), await balance(2)]).toEqual([100, 100])
  })

  test.each([1213, 1020, 1205])('error %d is tried again as often as told, then told', async errno => {
    let attempts = 0
    const work = db.transaction(
      async tx => {
        attempts++
        await tx.execute('UPDATE account SET fen = fen + 1')
        await tx.query(`SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = ${errno}`)
      },
      { retries: 2 },
    )
    expect(errnoOf(await thrown(work))).toBe(errno)
    expect(attempts).toBe(3)
    expect(await balance(1)).toBe(100)
  })

  test('a duplicate key is not tried again, and the work may go on after it', async () => {
    let attempts = 0
    await db.transaction(async tx => {
      attempts++
      expect(errnoOf(await thrown(tx.execute('INSERT INTO account VALUES (1, 0)')))).toBe(1062)
      await tx.execute('UPDATE account SET fen = 50 WHERE id = 1')
    })
    expect(attempts).toBe(1)
    expect(await balance(1)).toBe(50)
  })

  test('after a lock wait nothing of the half is kept, even when the work shrugs the error off', async () => {
    let letGo = () => {}
    const holds = new Promise<void>(go => {
      letGo = go
    })
    let held = () => {}
    const locked = new Promise<void>(go => {
      held = go
    })
    const holder = db.transaction(async tx => {
      await tx.query('SELECT 1 FROM account WHERE id = 2 FOR UPDATE')
      held()
      await holds
    })
    await locked
    const half = (id: number, shrug: boolean) =>
      db.transaction(
        async tx => {
          await tx.execute('INSERT INTO account VALUES (?, 1)', [id])
          const blocked = tx.execute('UPDATE account SET fen = 0 WHERE id = 2')
          await (shrug ? blocked.catch(() => {}) : blocked)
          if (shrug) await tx.execute('INSERT INTO account VALUES (?, 1)', [id + 1]).catch(() => {})
        },
        { retries: 0 },
      )
    const errors = await Promise.all([thrown(half(10, false)), thrown(half(20, true))])
    expect(errors.map(errnoOf)).toEqual([1205, 1205])
    letGo()
    await holder
    expect(await db.query('SELECT id FROM account ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }])
    expect(await balance(2)).toBe(100)
  })

  test('a statement still under way at the end spoils the whole', async () => {
    const work = db.transaction(async tx => {
      await tx.execute('UPDATE account SET fen = 1')
      tx.execute('UPDATE account SET fen = 0').catch(() => {})
    })
    expect(await thrown(work)).toBeInstanceOf(TypeError)
    expect(await balance(1)).toBe(100)
  })

  test('a statement that was not awaited cannot slip in after the end', async () => {
    let late: Promise<unknown> = Promise.resolve()
    await db.transaction(async tx => {
      late = pause(20).then(() => tx.execute('UPDATE account SET fen = 0'))
      late.catch(() => {})
    })
    expect(await thrown(late)).toBeInstanceOf(TypeError)
    expect(await balance(1)).toBe(100)
  })
})

describe('lost connections', () => {
  test('killed in the middle: the first error is told, nothing is kept, the pool goes on', async () => {
    const one = open(fresh.url, 1)
    const errors: unknown[] = []
    const work = one.transaction(async tx => {
      await tx.execute('UPDATE account SET fen = 0')
      await killed(tx)
      errors.push(await thrown(tx.execute('UPDATE account SET fen = 1')))
      errors.push(await thrown(tx.query('SELECT 1')))
    })
    const told = await thrown(work)
    expect(told).toBe(errors[0])
    expect(errors[1]).toBe(errors[0])
    expect(told).not.toBeInstanceOf(CommitUnknown)
    expect(await one.query('SELECT fen FROM account')).toEqual([{ fen: 100 }, { fen: 100 }])
  })

  test('a ROLLBACK that fails does not hide the business error', async () => {
    const one = open(fresh.url, 1)
    const business = new Error('not enough')
    const work = one.transaction(async tx => {
      await tx.execute('UPDATE account SET fen = 0')
      await killed(tx)
      throw business
    })
    expect(await thrown(work)).toBe(business)
    expect(await one.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(await balance(1)).toBe(100)
  })

  test('a pool of two survives twenty failures of every kind', async () => {
    const two = open(fresh.url, 2)
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const work = two.transaction(async tx => {
          if (i % 2 === 0) await killed(tx)
          await tx.execute(i % 4 === 1 ? 'NO SQL AT ALL' : 'UPDATE account SET fen = fen + 1')
          throw new Error('business')
        })
        await thrown(work)
      }),
    )
    expect(await two.transaction(tx => tx.query('SELECT fen FROM account'))).toEqual([{ fen: 100 }, { fen: 100 }])
  })

  test('a server that cannot be reached is an error each time, and fine again when it is back', async () => {
    const proxy = await openProxy(fresh.url)
    const far = open(proxy.url, 2)
    proxy.refuse(true)
    for (let i = 0; i < 5; i++) expect(await thrown(far.transaction(tx => tx.query('SELECT 1')))).toBeInstanceOf(Error)
    proxy.refuse(false)
    expect(await far.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    proxy.close()
  })

  test('a server that has become read-only is left: the next statement goes to whoever answers at the address now', async () => {
    await db.pool.query("CREATE OR REPLACE USER 'clerk'@'%' IDENTIFIED BY 'clerk'")
    await db.pool.query("GRANT SELECT, UPDATE ON *.* TO 'clerk'@'%'")
    const url = new URL(fresh.url)
    Object.assign(url, { username: 'clerk', password: 'clerk' })
    const clerk = open(url.href, 1)
    const id = async () => (await clerk.query<{ id: number }>('SELECT CONNECTION_ID() AS id'))[0]?.id
    const before = await id()
    await db.pool.query('SET GLOBAL read_only = 1')
    try {
      const write = () => clerk.transaction(tx => tx.execute('UPDATE account SET fen = 7 WHERE id = 1'))
      expect(errnoOf(await thrown(write()))).toBe(1290)
      expect(await id()).not.toBe(before)
    } finally {
      await db.pool.query('SET GLOBAL read_only = 0')
    }
    expect(await balance(1)).toBe(100)
  })

  test('a statement without an answer is given up, and its connection with it', async () => {
    const hasty = open(fresh.url, 1, { statementTimeout: 200 })
    const [before] = await hasty.query<{ id: number }>('SELECT CONNECTION_ID() AS id')
    expect(await thrown(hasty.query('SELECT SLEEP(3)'))).toMatchObject({ code: 'PROTOCOL_SEQUENCE_TIMEOUT' })
    const [after] = await hasty.query<{ id: number }>('SELECT CONNECTION_ID() AS id')
    expect(after?.id).not.toBe(before?.id)
    expect(await thrown(hasty.execute('UPDATE account SET fen = 7 WHERE SLEEP(1) = 0 AND id = 1'))).toBeInstanceOf(CommitUnknown)
    expect(await thrown(hasty.reads.query({ sql: 'SELECT SLEEP(3)' }))).toMatchObject({ code: 'PROTOCOL_SEQUENCE_TIMEOUT' })
    expect(await hasty.reads.query({ sql: 'SELECT ? AS one' }, [1])).toEqual([[{ one: 1 }], []])
    // Nor does it run on at the server, busy as it is.
    const busy = 'SELECT COUNT(*) FROM seq_1_to_4000000000 WHERE seq % 7 = 9'
    expect(await thrown(hasty.query(busy))).toMatchObject({ code: 'PROTOCOL_SEQUENCE_TIMEOUT' })
    await until(
      'the server has ended it',
      async () => {
        const running = await fresh.db.query('SELECT 1 FROM information_schema.processlist WHERE info = ?', [busy])
        return running.length === 0
      },
      20_000,
    )
  })
})

describe('an unknown COMMIT', () => {
  const withdraw = (through: Database, attempts: { n: number }) =>
    through.transaction(async tx => {
      attempts.n++
      await tx.execute('UPDATE account SET fen = fen - 1 WHERE id = 1')
    })

  test.each([
    ['before it reached the server', 'before', 100],
    ['after the server had committed', 'after', 99],
  ] as const)('cut %s: CommitUnknown, never tried again', async (_, when, expected) => {
    const proxy = await openProxy(fresh.url)
    const through = open(proxy.url, 1)
    const attempts = { n: 0 }
    proxy.cut('COMMIT', when)
    const error = await thrown(withdraw(through, attempts))
    expect(error).toBeInstanceOf(CommitUnknown)
    expect(error).toHaveProperty('cause', expect.any(Error))
    expect(attempts.n).toBe(1)
    await expect.poll(() => balance(1)).toBe(expected)
    await withdraw(through, attempts)
    expect(await balance(1)).toBe(expected - 1)
    proxy.close()
  })

  test('a write outside a transaction is no better off', async () => {
    const proxy = await openProxy(fresh.url)
    const through = open(proxy.url, 1)
    const sql = 'UPDATE account SET fen = fen - 10 WHERE id = 1'
    await through.execute(sql)
    // Its text went over in the first call; the second sends the number of the prepared statement (COM_STMT_EXECUTE, 0x17).
    proxy.cut('\x17', 'after')
    expect(await thrown(through.execute(sql))).toBeInstanceOf(CommitUnknown)
    await expect.poll(() => balance(1)).toBe(80)
    proxy.close()
  })

  test('an error the server did answer is told as it is', async () => {
    const error = await thrown(db.execute('INSERT INTO account VALUES (1, 1)'))
    expect(error).not.toBeInstanceOf(CommitUnknown)
    expect(errnoOf(error)).toBe(1062)
  })
})

test('how far a clock is ahead of the record’s is known but for what the asking took', async () => {
  expect(await clockAhead(db, () => new Date())).toBe(0)
  for (const minutes of [-5, 5]) {
    const ahead = await clockAhead(db, () => new Date(Date.now() + minutes * 60_000))
    expect(Math.sign(ahead)).toBe(Math.sign(minutes))
    expect(Math.abs(ahead - minutes * 60_000)).toBeLessThan(30_000)
  }
  // Whoever waits long for the answer knows that much less.
  let asked = 0
  expect(await clockAhead(db, () => new Date(Date.now() + (asked++ === 0 ? -60_000 : 60_000)))).toBe(0)
})
