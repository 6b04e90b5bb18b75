import type { Edit } from './patch.ts'

/** Which kind of process. */
export type Role = 'gateway' | 'worker'
/** Whether each kind of process comes to a place; where one cannot, why not. */
type Reach = { readonly [role in Role]: true | string }
/** A place of the production code where a process may be killed or stopped, who comes there, and why another does not. */
export type Label = {
  readonly label: string
  readonly what: string
  readonly roles: readonly Role[]
  readonly out: readonly { readonly role: Role; readonly why: string }[]
}

const both: Reach = { gateway: true, worker: true }
const gateway: Reach = { gateway: true, worker: 'nobody orders or decides anything at a worker' }
const worker: Reach = {
  gateway: 'a gateway does nothing in the background: doubts, the outbox, the queue and deliveries are the workers’',
  worker: true,
}
const honest = 'no bank of this city contradicts itself; those of the simulation do'
const settledBefore = 'agreements and the registry stand before the day begins: nobody orders anything about them in this city'
const notHere: Reach = { gateway: settledBefore, worker: settledBefore }
const noDayEnd = 'a day of this city ends before any bank’s day does: no file comes, nothing is reconciled, written off or vouched'
const notYet: Reach = { gateway: noDayEnd, worker: noDayEnd }

/**
 * What a transaction or a write of its own is, by the first statement that fits. A write that is not listed ends the run: no commit goes without
 * its labels.
 */
const commits: readonly { readonly name: string; readonly what: string; readonly sql: RegExp; readonly reach: Reach }[] = [
  { name: 'accept', what: 'ticket, instruction, first attempt, journal, outbox', sql: /^INSERT INTO ticket\b/, reach: gateway },
  { name: 'claim', what: 'the right to call the bank', sql: /^INSERT INTO attempt\b/, reach: both },
  { name: 'keep', what: 'an answer that came too late', sql: /^INSERT INTO answer\b.* ON DUPLICATE KEY/, reach: both },
  { name: 'settle', what: 'what came of a call, journal, feed', sql: /^INSERT INTO answer\b/, reach: both },
  { name: 'proposal', what: 'what one person proposes, and what another decides', sql: /^(INSERT INTO|UPDATE) proposal\b/, reach: gateway },
  { name: 'order', what: 'a reversal, a supplementary debit, a stop', sql: /^INSERT INTO tax_order\b/, reach: gateway },
  { name: 'break', what: 'a contradiction', sql: /^INSERT INTO break\b/, reach: { gateway: honest, worker: honest } },
  { name: 'late-answer', what: 'the words of a late answer', sql: /^INSERT INTO late_answer\b/, reach: both },
  {
    name: 'review',
    what: 'the end of one that never left',
    sql: /^UPDATE instruction SET state = \?, lease_owner\b/,
    reach: {
      ...worker,
      gateway: 'a gateway sends an order right after it was decided; what waits for its original is looked at by workers',
    },
  },
  { name: 'bank-day', what: 'an accounting date that is new', sql: /^INSERT INTO bank_day\b/, reach: both },
  {
    name: 'postpone',
    what: 'a send whose bank is spared',
    sql: /^UPDATE instruction t JOIN .* SET t\.next_attempt_at = v\.until/,
    reach: both,
  },
  { name: 'hasten', what: 'a late answer’s inquiry', sql: /^UPDATE instruction SET next_attempt_at\b/, reach: both },
  { name: 'relay', what: 'wake-ups that were told', sql: /^DELETE FROM outbox WHERE wake_at\b/, reach: worker },
  {
    name: 'counter',
    what: 'a block of numbers',
    sql: /^INSERT INTO counter\b/,
    // A worker takes them for tombstones: one bank of this city wants those.
    reach: both,
  },
  { name: 'delivery-begin', what: 'the row of a webhook', sql: /^INSERT IGNORE INTO delivery\b/, reach: worker },
  { name: 'delivery-lease', what: 'the right to deliver', sql: /^UPDATE delivery SET lease_owner = \?/, reach: worker },
  { name: 'delivery-advance', what: 'how far the feed was delivered', sql: /^UPDATE delivery SET delivered_seq\b/, reach: worker },
  {
    name: 'book',
    what: 'what moved, in the books that a bank’s file is compared with',
    sql: /^(INSERT INTO|UPDATE) booking(_\w+)?\b/,
    reach: worker,
  },
  { name: 'nothing', what: 'a settlement that came too late', sql: /^UPDATE instruction (SET awaited\b|t JOIN )/, reach: both },
  {
    name: 'agreement-claim',
    what: 'the right to tell a bank of an agreement',
    sql: /^UPDATE agreement_call SET attempt_no\b/,
    reach: notHere,
  },
  { name: 'agreement-settle', what: 'what a bank said to an agreement', sql: /^UPDATE agreement_call\b/, reach: notHere },
  { name: 'agreement-import', what: 'a file of agreements', sql: /^(INSERT INTO|UPDATE) agreement_import\b/, reach: notHere },
  {
    name: 'agreement',
    what: 'an agreement and what was ordered about it',
    sql: /^(INSERT( IGNORE)? INTO|UPDATE) agreement(_\w+)?\b/,
    reach: notHere,
  },
  { name: 'registry', what: 'a line of the banks’ registry', sql: /^INSERT INTO registry_line\b/, reach: notHere },
  {
    name: 'day-end',
    what: 'sessions, files, differences, breaks, write-offs, vouchers',
    sql: /^(INSERT( IGNORE)? INTO|UPDATE|DELETE FROM) (recon\w*|difference|break\w*|bank_call|bank_message|adjustment_\w+|write_off\w*|\w*voucher\w*|fee\w*|treasury_\w+)\b/,
    reach: notYet,
  },
  { name: 'audit', what: 'a line of the audit journal by itself', sql: /^INSERT INTO audit\b/, reach: notHere },
]

/** The name of a transaction or write; undefined where nothing is written. */
export const commitName = (statements: readonly string[]): string | undefined => {
  if (statements.length === 0) return undefined
  const plain = statements.map(sql => sql.replace(/\s+/g, ' ').trim())
  const found = commits.find(({ sql }) => plain.some(text => sql.test(text)))
  if (!found) throw new Error(`a commit without a label: ${plain.join('; ').slice(0, 300)}`)
  return `commit.${found.name}`
}

const verbs: readonly { readonly verb: string; readonly reach: Reach }[] = [
  { verb: 'debit', reach: both },
  { verb: 'reversal', reach: both },
  { verb: 'supplementaryDebit', reach: both },
  { verb: 'inquiry', reach: worker },
  { verb: 'linkTest', reach: both },
]

const steps = (name: string, what: string, reach: Reach, names: readonly string[]): Label[] => {
  const each = (['gateway', 'worker'] as const).map(role => ({ role, why: reach[role] }))
  const roles = each.filter(({ why }) => why === true).map(({ role }) => role)
  const out = each.flatMap(({ role, why }) => (why === true ? [] : [{ role, why }]))
  return names.map(step => ({ label: `${name}.${step}`, what: `${what}: ${step}`, roles, out }))
}

/** Every label: before and after each commit (and between its sending and its answer), each send, receive and publish. */
export const labels: readonly Label[] = [
  ...commits.flatMap(({ name, what, reach }) => steps(`commit.${name}`, what, reach, ['before', 'sent', 'after'])),
  ...verbs.flatMap(({ verb, reach }) => steps(`bank.${verb}`, `a ${verb} to a bank`, reach, ['before', 'sent', 'received'])),
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
