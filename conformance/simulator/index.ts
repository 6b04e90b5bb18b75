export {
  type Account,
  type AccountState,
  type DayTotals,
  type Entry,
  Ledger,
  type LedgerOptions,
  type Total,
  type Verdict,
} from './ledger.ts'
export { type Deed, deeds, Plan, type Rule, type When } from './plan.ts'
export { type Simulator, type SimulatorOptions, simulate } from './simulator.ts'
