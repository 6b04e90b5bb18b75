export type { AccountState, Binding, BindingState, Bindings, NoticeEvent } from './bindings.ts'
export {
  type Account,
  type DayTotals,
  type Entry,
  Ledger,
  type LedgerOptions,
  type Total,
  type Verdict,
} from './ledger.ts'
export type { PushTo, Receipt } from './messenger.ts'
export { type Deed, deeds, Plan, type Rule, type When } from './plan.ts'
export { type Simulator, type SimulatorOptions, simulate } from './simulator.ts'
