import { proposalKinds } from '../flows/kinds.ts'
import { proposalHash } from '../flows/proposals.ts'

// A proposal, as it stands in the reference page. Invented.

/** On what it rests. */
export const evidenceExample = '银行书面答复,文号 湘江清算函〔2026〕17号'

const order = { kind: 'halt-bank', content: proposalKinds['halt-bank'].example, evidence: evidenceExample } as const

/** It, after the second person. */
export const proposalExample = {
  id: 17,
  orderNo: '2026-1',
  ...order,
  hash: proposalHash(order),
  state: 'approved',
  proposedBy: 'urn:taxlink:operator:zhang',
  proposedAt: '2026-11-10T10:00:00.000+08:00',
  expiresAt: '2026-11-11T10:00:00.000+08:00',
  decidedBy: 'urn:taxlink:operator:li',
  decidedAt: '2026-11-10T10:20:00.000+08:00',
  reason: '已与银行函件核对',
}

/** What the audit journal says of it. */
export const auditExample = {
  seq: 42,
  at: proposalExample.decidedAt,
  actor: proposalExample.decidedBy,
  action: 'approve',
  subject: 'proposal/17',
  detail: { kind: 'halt-bank', about: '4301', hash: proposalExample.hash, reason: proposalExample.reason },
  prevHash: '5eed'.padEnd(64, '0'),
  hash: 'c0ffee'.padEnd(64, '0'),
}
