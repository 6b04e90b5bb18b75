import type { AnyVerb } from '@taxlink/bank-sdk'

/** The verbs as the pages call them. */
export const titles: { readonly [V in AnyVerb]: string } = {
  debit: '扣款',
  supplementaryDebit: '补充划缴',
  inquiry: '交易状态查询',
  reversal: '冲正',
  linkTest: '连接测试',
  bind: '账号绑定',
  changeBinding: '绑定变更',
  cancelBinding: '绑定注销',
  suspension: '止付与恢复',
  bindingStatus: '绑定状态查询',
  verification: '协议核验',
  monthlySync: '月末同步',
  bindingResult: '绑定结果通知',
  bindingNotice: '绑定变动通知',
}
