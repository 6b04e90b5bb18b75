export type { AccountState, Binding, BindingState, Bindings, NoticeEvent } from './bindings.ts'
export type { Task, Telling } from './day-end.ts'
export type { DayTotals, Total } from './day-totals.ts'
export type { Delivered, FilesTo } from './delivery.ts'
export { type DaySession, type FileDeed, type FileRule, fileDeeds } from './detail.ts'
export {
  type Account,
  type Entry,
  Ledger,
  type LedgerOptions,
  type Odd,
  type Verdict,
} from './ledger.ts'
export type { PushTo, Receipt } from './messenger.ts'
export { type Deed, deeds, Plan, type Rule, type When } from './plan.ts'
export { type Simulator, type SimulatorOptions, simulate } from './simulator.ts'
