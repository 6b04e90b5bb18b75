import { fail } from '@taxlink/bank-sdk'
import { type Account, areCompatible, duties } from './domain/operator.ts'
import { hashPassword, seal } from './flows/secrets.ts'
import type { Keys } from './flows/sign-in.ts'
import { base32, otpauth, secretBytes } from './flows/totp.ts'
import { withDatabase } from './prepare.ts'
import { appendAudit } from './store/audit.ts'
import { heldAdministrators, insertOperator } from './store/operators.ts'
import { readReference } from './store/reference.ts'
import { setCredentials } from './store/sessions.ts'

/** What somebody types who makes the first accounts. */
export type Typed = { readonly name: string; readonly displayName: string; readonly office: string; readonly duties: string }

const checked = ({ name, displayName, office, duties: words }: Typed): Account => {
  const held = duties.filter(duty => words.split(',').includes(duty))
  if (!/^[a-z0-9-]{1,40}$/.test(name)) fail('malformed', 'a name has lower case letters, digits and hyphens')
  if (held.length === 0 || held.length !== words.split(',').length) fail('malformed', `duties are some of ${duties.join(', ')}`)
  if (!areCompatible(held)) fail('malformed', 'an auditor or administrator has no other duty')
  return { name, displayName, office, duties: held, enabled: true }
}

/** Makes one of the first accounts, with a password and a second factor that are shown this once. Two administrators make all others. */
export const enlist = async (
  databaseUrl: string,
  typed: Typed,
  keys: Keys,
  now: Date,
): Promise<{ readonly password: string; readonly otpauth: string }> => {
  const made = checked(typed)
  const password = base32(keys.entropy(15))
  const secret = keys.entropy(secretBytes)
  const passwordHash = await hashPassword(password, keys.entropy)
  await withDatabase(databaseUrl, async db => {
    const reference = await readReference(db)
    const level = reference?.offices.get(made.office)?.level
    if (level === undefined) fail('not-found', `no office ${made.office} with a level in the reference data`)
    // Those of a city see no more than their city: two of them could never make anybody of the province.
    if (made.duties.includes('administrator') && level !== 'province')
      fail('not-applicable', `the first administrators are of the office of the province, not of ${made.office}`)
    await db.transaction(async tx => {
      const administrators = await heldAdministrators(tx)
      if (administrators.length >= 2)
        fail('not-applicable', `accounts are made by two administrators (${administrators.join(', ')}): proposal add-operator`)
      await insertOperator(tx, made, undefined, now)
      await setCredentials(tx, made.name, { passwordHash, totpSecret: seal(keys.sealing, secret, made.name, keys.entropy) })
      await appendAudit(tx, {
        at: now,
        actor: 'urn:taxlink:command-line',
        action: 'add-operator',
        subject: `operator/${made.name}`,
        officeCode: made.office,
        detail: JSON.stringify({ duties: made.duties }),
      })
    })
  })
  return { password, otpauth: otpauth(made.name, secret) }
}
