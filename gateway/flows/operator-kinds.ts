import { ascii, debitRequest, type Fields, oneOf, text } from '@taxlink/bank-sdk'
import { type Account, areCompatible, type Duty, duties, operatorUri } from '../domain/operator.ts'
import type { Objection } from '../domain/proposal.ts'
import type { Flow } from './flow.ts'
import { byOperators, kindOf, type Place, type Stand } from './kind.ts'

const { officeCode } = debitRequest.fields
const fields = {
  name: ascii('用户名(证书 URI 的最后一段)', 'name, the last part of the URI', 40),
  displayName: text('姓名', 'the person’s name', 60),
  officeCode,
  duties: ascii(`岗位,逗号分隔: ${duties.join(' ')}`, 'duties, with a comma between', 120),
} satisfies Fields
type Content = { readonly name: string; readonly displayName: string; readonly officeCode: string; readonly duties: string }

const isDuty = (word: string): word is Duty => duties.some(duty => duty === word)
const wordsOf = (list: string): Duty[] => list.split(',').filter(isDuty)

const wrongName = ({ name }: { readonly name: string }): readonly Place[] =>
  /^[a-z0-9-]{1,40}$/.test(name)
    ? []
    : [{ pointer: '/name', zh: '只用小写字母、数字、连字符', en: 'lower case letters, digits and hyphens' }]
const wrongIn = (content: Content): readonly Place[] => {
  const words = content.duties.split(',')
  const known = words.every(isDuty) && new Set(words).size === words.length
  const fits = known && areCompatible(wordsOf(content.duties))
  return [
    ...wrongName(content),
    ...(known ? [] : [{ pointer: '/duties', zh: '有不认识或重复的岗位', en: 'a duty that does not exist or stands twice' }]),
    ...(known && !fits
      ? [{ pointer: '/duties', zh: '审计、管理员不得兼任其他岗位', en: 'an auditor or administrator has no other duty' }]
      : []),
  ]
}

const taken: Objection = { rule: 'name-taken', zh: '此用户名已有账户', en: 'there is an account of this name' }
/** Told to whoever sees the whole province: to others an account that is nowhere is like one elsewhere. */
const absent: Stand & Objection = {
  rule: 'operator-unknown',
  zh: '没有这个账户',
  en: 'there is no account of this name',
  officeCode: undefined,
}
const moved: Objection = {
  rule: 'office-differs',
  zh: '账户已调到别的机关,请重新提出',
  en: 'the account has moved to another office since: propose it anew',
}
const noOffice: Objection = { rule: 'office-unknown', zh: '征收机关未登记或没有级次', en: 'the office is not registered, or has no level' }
/** Said where a change would leave fewer than two who see the whole province: then nobody could ever change anything there again. */
const lastTwo: Objection = {
  rule: 'last-administrators',
  zh: '省局至少留两名启用的管理员',
  en: 'two administrators of the province must stay enabled',
}

const accountOf = (content: Content, enabled: boolean): Account => ({
  name: content.name,
  displayName: content.displayName,
  office: content.officeCode,
  duties: wordsOf(content.duties),
  enabled,
})
const hasLevel = (flow: Flow, code: string): boolean => flow.reference().offices.get(code)?.level !== undefined

/** 新设账户: its person then chooses a password with a code from each administrator. */
export const addOperator = kindOf<typeof fields>(fields, {
  zh: '新设操作员账户',
  en: 'add an operator',
  ...byOperators('administrator'),
  example: { name: 'chen', displayName: '陈晨', officeCode: '14301020000', duties: 'binding-review,accounts' },
  subject: content => content.name,
  wrong: wrongIn,
  stand: async (flow, content) => {
    if (!hasLevel(flow, content.officeCode)) return noOffice
    if (await flow.store.operators.find(content.name)) return taken
    return { about: undefined, officeCode: content.officeCode }
  },
  apply: async (deeds, content) => ((await deeds.addOperator(accountOf(content, true))) ? undefined : taken),
})

const changed = { ...fields, state: oneOf('状态', 'state', ['enabled', 'disabled']) }
/** 变更账户: its name, office, duties, and whether it is enabled, as they are to be. */
export const changeOperator = kindOf<typeof changed>(changed, {
  zh: '变更、停用、启用操作员账户',
  en: 'change, disable or enable an operator',
  ...byOperators('administrator'),
  example: { name: 'chen', displayName: '陈晨', officeCode: '14301020000', duties: 'accounts', state: 'disabled' },
  subject: content => content.name,
  wrong: wrongIn,
  stand: async (flow, content) => {
    const account = await flow.store.operators.find(content.name)
    if (!account) return absent
    if (!hasLevel(flow, content.officeCode)) return noOffice
    // From one office to another is the business of whoever sees both.
    return { about: undefined, officeCode: account.office === content.officeCode ? account.office : undefined }
  },
  apply: async (deeds, content) =>
    ({ changed: undefined, absent, moved, 'last-administrators': lastTwo })[
      await deeds.changeOperator(accountOf(content, content.state === 'enabled'))
    ],
})

const named = { name: fields.name }
/** 重置登录: a lost password or device; the person enrols anew. */
export const resetOperator = kindOf<typeof named>(named, {
  zh: '重置操作员的口令与动态码',
  en: 'reset an operator’s password and second factor',
  ...byOperators('administrator'),
  example: { name: 'chen' },
  subject: content => content.name,
  wrong: wrongName,
  stand: async (flow, content) => {
    const account = await flow.store.operators.find(content.name)
    return account ? { about: undefined, officeCode: account.office } : absent
  },
  apply: async (deeds, content) => ({ reset: undefined, absent, moved })[await deeds.resetOperator(content.name)],
})

/** An account and its URI, for whoever is told of it. */
export const shownAccount = ({ name, displayName, office, duties: held, enabled }: Account) => ({
  name,
  uri: operatorUri(name),
  displayName,
  officeCode: office,
  duties: [...held],
  state: enabled ? 'enabled' : 'disabled',
})
