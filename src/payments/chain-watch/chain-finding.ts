import { formatMoney, type Money, usdc } from '../../common/money';
import type { BalanceComparison, Finding } from '../../common/reconciliation-side';
import { chainReceipts } from '../../ledger/ledger-account';

/** What is on one side only. `atoms`: what the chain has more than the books. */
export interface FindingRow {
  readonly kind: ChainFindingKind;
  readonly network: string;
  readonly transaction: string;
  /** The transfer's log, or the entry. */
  readonly position: string;
  readonly address: string;
  readonly other: string | null;
  readonly atoms: bigint;
  readonly since: Date;
  readonly customerId: string | null;
  /** The kind of the entry that no transfer stands for. */
  readonly entry: string | null;
  /** Why it could not be put into suspense. */
  readonly refused: string | null;
}

export type ChainFindingKind =
  'unknown_inbound' | 'suspension_refused' | 'unbooked_inbound' | 'unknown_outbound' | 'not_on_chain';

/** What is in suspense is booked already, and what is unbooked has an entry coming: neither takes another one. */
const SETTLED_BY_ENTRY: ReadonlySet<ChainFindingKind> = new Set([
  'suspension_refused',
  'unknown_outbound',
  'not_on_chain',
]);

export const findingOf = (row: FindingRow): Finding => ({
  kind: row.kind,
  ref: `${row.network}:${row.transaction}:${row.position}`,
  amount: usdc(row.atoms),
  ...(SETTLED_BY_ENTRY.has(row.kind) ? { account: chainReceipts(row.network, row.address).code } : {}),
  ...(row.customerId === null ? {} : { customerId: row.customerId }),
  since: row.since,
  suggestedCause: CAUSES[row.kind](row, usdc(row.atoms)),
});

/** The books have it, and not whose it is: there should be none. It is the amounts of these findings. */
export function inSuspense(findings: readonly Finding[]): BalanceComparison {
  const suspended = findings.filter(({ kind }) => kind === UNKNOWN_INBOUND);
  const atoms = suspended.reduce((sum, { amount }) => sum + amount.atoms, 0n);
  return { name: 'USDC in suspense', ours: usdc(0n), theirs: usdc(atoms) };
}

const UNKNOWN_INBOUND: ChainFindingKind = 'unknown_inbound';

/** The chain says that our addresses have more (negative: less) than all transfers that were read make. */
export const transfersMissing = (network: string, atoms: bigint): Finding => ({
  kind: 'transfers_missing',
  ref: network,
  amount: usdc(atoms),
  since: new Date(),
  suggestedCause:
    'The node left out logs, or the token moves balances without a Transfer. Ask another node, and read again from the ' +
    "beginning (delete the network's rows of chain_cursors, chain_transfers and chain_bookings).",
});

const CAUSES: Readonly<Record<ChainFindingKind, (row: FindingRow, amount: Money) => string>> = {
  unknown_inbound: ({ other, address, transaction }, amount) =>
    `${other} sent ${formatMoney(amount)} USDC to ${address} and has shown no proof of payment. It is in suspense: ask ` +
    `who sent it, and attribute it (POST /admin/suspended-transfers/…/attribution); a proof of ${transaction} takes it by itself.`,
  suspension_refused: ({ other, address, refused }) =>
    `${other} sent it to ${address}, nothing tells what for, and it cannot be booked to suspense: ${refused}. Look at the ` +
    'entry of that key; an entry by hand settles it.',
  unbooked_inbound: ({ address }) =>
    `A payment of ours has arrived at ${address} and is not on the books: its call or job is stuck. See the claims that ` +
    'are in doubt and the dead jobs.',
  unknown_outbound: ({ address, other }) =>
    `${address} sent it to ${other} by no transaction that the books know: moved by hand, or its key is in other hands. ` +
    'Find out who signed it first.',
  not_on_chain: ({ address, entry }) =>
    `The entry (${entry}) says that it reached ${address}, and there is no such transfer: a reorganisation took it, a ` +
    'facilitator told what did not happen, or the entry has no transaction.',
};
