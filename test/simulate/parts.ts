import type { Flow } from '../../gateway/flows/flow.ts'
import type { Slots } from '../../gateway/flows/slots.ts'
import type { Store } from '../../gateway/store/store.ts'
import type { Host } from './world.ts'

/** One simulated process, put together as gateway/assemble.ts does, over simulated servers. */
export type Parts = { readonly host: Host; readonly flow: Flow; readonly slots: Slots; readonly store: Store }
