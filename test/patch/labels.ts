import type { Edit } from './patch.ts'

/** Which kind of process. */
export type Role = 'gateway' | 'worker'
/** A place of the production code where a process may be killed or stopped, and who comes there. */
export type Label = { readonly label: string; readonly what: string; readonly roles: readonly Role[] }

// `rare`: what only a contradiction or an order of the tax side leads to; named, but nobody is sure to come there.
const both = ['gateway', 'worker'] as const
const [gateway, worker, rare] = [['gateway'], ['worker'], []] as const

/**
 * What a transaction or a write of its own is, by the first statement that fits. A write that is not listed ends the run: no commit goes without
 * its labels.
 */
const commits: readonly { readonly name: string; readonly what: string; readonly sql: RegExp; readonly roles: readonly Role[] }[] = [
  { name: 'accept', what: 'ticket, instruction, first attempt, journal, outbox', sql: /^INSERT INTO ticket\b/, roles: gateway },
  { name: 'claim', what: 'the right to call the bank', sql: /^INSERT INTO attempt\b/, roles: both },
  { name: 'keep', what: 'an answer that came too late', sql: /^INSERT INTO answer\b.* ON DUPLICATE KEY/, roles: both },
  { name: 'settle', what: 'what came of a call, journal, feed', sql: /^INSERT INTO answer\b/, roles: both },
  { name: 'proposal', what: 'what one person proposes, and what another decides', sql: /^(INSERT INTO|UPDATE) proposal\b/, roles: rare },
  { name: 'order', what: 'a reversal, a supplementary debit, a stop', sql: /^INSERT INTO tax_order\b/, roles: gateway },
  { name: 'review', what: 'the end of one that never left', sql: /^UPDATE instruction SET state = \?, attempt_no\b/, roles: rare },
  { name: 'break', what: 'a contradiction', sql: /^INSERT INTO break\b/, roles: rare },
  { name: 'late-answer', what: 'the words of a late answer', sql: /^INSERT INTO late_answer\b/, roles: both },
  { name: 'bank-day', what: 'an accounting date that is new', sql: /^INSERT INTO bank_day\b/, roles: both },
  {
    name: 'postpone',
    what: 'a send whose bank is spared',
    sql: /^UPDATE instruction t JOIN .* SET t\.next_attempt_at = v\.until/,
    roles: worker,
  },
  { name: 'hasten', what: 'a late answer’s inquiry', sql: /^UPDATE instruction SET next_attempt_at\b/, roles: both },
  { name: 'relay', what: 'wake-ups that were told', sql: /^DELETE FROM outbox WHERE wake_at\b/, roles: worker },
  { name: 'counter', what: 'a block of numbers', sql: /^INSERT INTO counter\b/, roles: gateway },
  { name: 'delivery-begin', what: 'the row of a webhook', sql: /^INSERT IGNORE INTO delivery\b/, roles: worker },
  { name: 'delivery-lease', what: 'the right to deliver', sql: /^UPDATE delivery SET lease_owner = \?/, roles: worker },
  { name: 'delivery-advance', what: 'how far the feed was delivered', sql: /^UPDATE delivery SET delivered_seq\b/, roles: worker },
  { name: 'nothing', what: 'a settlement that came too late', sql: /^UPDATE instruction SET awaited\b/, roles: rare },
]

/** The name of a transaction or write; undefined where nothing is written. */
export const commitName = (statements: readonly string[]): string | undefined => {
  if (statements.length === 0) return undefined
  const plain = statements.map(sql => sql.replace(/\s+/g, ' ').trim())
  const found = commits.find(({ sql }) => plain.some(text => sql.test(text)))
  if (!found) throw new Error(`a commit without a label: ${plain.join('; ').slice(0, 300)}`)
  return `commit.${found.name}`
}

const verbs: readonly { readonly verb: string; readonly roles: readonly Role[] }[] = [
  { verb: 'debit', roles: both },
  { verb: 'reversal', roles: both },
  { verb: 'inquiry', roles: worker },
  { verb: 'linkTest', roles: both },
]

const steps = (name: string, what: string, roles: readonly Role[], names: readonly string[]): Label[] =>
  names.map(step => ({ label: `${name}.${step}`, what: `${what}: ${step}`, roles }))

/** Every label: before and after each commit (and between its sending and its answer), each send, receive and publish. */
export const labels: readonly Label[] = [
  ...commits.flatMap(({ name, what, roles }) => steps(`commit.${name}`, what, roles, ['before', 'sent', 'after'])),
  ...verbs.flatMap(({ verb, roles }) => steps(`bank.${verb}`, `a ${verb} to a bank`, roles, ['before', 'sent', 'received'])),
  ...steps('queue.tell', 'wake-ups to the queue', worker, ['before', 'sent', 'after']),
  ...steps('queue.take', 'a wake-up from the queue', worker, ['received']),
  ...steps('webhook', 'results to the tax side', worker, ['before', 'sent', 'received']),
]

const point = (name: string, step: string): string => `globalThis.chaos.point(${name}, '${step}')`

/** Where the labels stand: each place is in the production code exactly once. */
export const places: readonly Edit[] = [
  {
    file: 'gateway/store/database.ts',
    find: "    await queried(connection, { sql: 'START TRANSACTION', timeout })",
    replace: "    globalThis.chaos.begins(connection)\n    await queried(connection, { sql: 'START TRANSACTION', timeout })",
  },
  {
    file: 'gateway/store/database.ts',
    find: '  const effect = (await executed(',
    replace: '  globalThis.chaos.wrote(connection, sql)\n  const effect = (await executed(',
  },
  {
    file: 'gateway/store/database.ts',
    find: "      await queried(connection, { sql: 'COMMIT', timeout })",
    replace: `      const what = globalThis.chaos.commits(connection)
      ${point('what', 'before')}
      const answered = queried(connection, { sql: 'COMMIT', timeout })
      answered.catch(() => {})
      ${point('what', 'sent')}
      await answered
      ${point('what', 'after')}`,
  },
  {
    file: 'gateway/store/database.ts',
    find: '            return await write(connection, sql, params, statementTimeout)',
    replace: `            const what = globalThis.chaos.alone(sql)
            ${point('what', 'before')}
            const answered = write(connection, sql, params, statementTimeout)
            answered.catch(() => {})
            ${point('what', 'sent')}
            const effect = await answered
            ${point('what', 'after')}
            return effect`,
  },
  {
    file: 'gateway/call.ts',
    find: "        if (!maySend()) fail('line-busy'",
    // Before the question whether it may still leave: between that and the first byte nothing is awaited.
    replace: `        ${point("'bank.' + verb", 'before')}
        setImmediate(() => ${point("'bank.' + verb", 'sent')})
        if (!maySend()) fail('line-busy'`,
  },
  {
    file: 'gateway/call.ts',
    find: '    const answer = answerOf(told,',
    replace: `    ${point("'bank.' + verb", 'received')}\n    const answer = answerOf(told,`,
  },
  {
    file: 'gateway/queue.ts',
    find: '      await queue.addBulk(jobs)',
    replace: `      ${point("'queue.tell'", 'before')}
      const told = queue.addBulk(jobs)
      told.catch(() => {})
      setImmediate(() => ${point("'queue.tell'", 'sent')})
      await told
      ${point("'queue.tell'", 'after')}`,
  },
  {
    file: 'gateway/queue.ts',
    find: '    const run = handle(ids)',
    replace: `    ${point("'queue.take'", 'received')}\n    const run = handle(ids)`,
  },
  {
    file: 'gateway/webhook.ts',
    find: '    sent.end(bytes)',
    replace: `    ${point("'webhook'", 'before')}\n    sent.end(bytes)\n    setImmediate(() => ${point("'webhook'", 'sent')})`,
  },
  {
    file: 'gateway/webhook.ts',
    find: '        resolve(status >= 200 && status < 300)',
    replace: `        ${point("'webhook'", 'received')}\n        resolve(status >= 200 && status < 300)`,
  },
]
