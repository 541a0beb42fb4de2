import { type Hex, keccak256, toHex } from 'viem';
import { usdc } from '../../common/money';
import { withdrawalFailed, withdrawalLanded, withdrawalSent } from '../../ledger/withdrawal-entries';

/** A wallet's credit on its way back to the wallet. In micro-USDC. */
export interface Withdrawal {
  /** A UUIDv7. */
  readonly id: string;
  /** Asked for by the wallet, or a payment that the operator gives back. */
  readonly kind: 'withdrawal' | 'refund';
  readonly customerId: string;
  /** CAIP-2. */
  readonly network: string;
  /** Whose authorization pays it out: as it was configured when it was opened. */
  readonly payTo: Hex;
  readonly to: Hex;
  readonly atoms: bigint;
  readonly feeAtoms: bigint;
  /** After this instant no block can include it. */
  readonly validBefore: Date;
  readonly state: WithdrawalState;
  readonly transaction: string | null;
  readonly createdAt: Date;
}

/** How long a payout may be mined. An authorization that lapsed unused is given back. */
const PAYOUT_SECONDS = 3600;

/** One that is to leave now, out of `payTo`. */
export function newWithdrawal(
  order: Pick<Withdrawal, 'id' | 'kind' | 'customerId' | 'network' | 'payTo' | 'to' | 'atoms' | 'feeAtoms'>,
): Withdrawal {
  const createdAt = new Date();
  const validBefore = new Date((Math.floor(createdAt.getTime() / 1000) + PAYOUT_SECONDS) * 1000);
  return { ...order, validBefore, createdAt, state: 'settling', transaction: null };
}

/** settling → settled: mined · settling → failed: it can never be mined, and is on the balance again. */
export type WithdrawalState = 'settling' | 'settled' | 'failed';

/** EIP-3009: one nonce for each withdrawal, so that whatever is sent however often moves the money once. */
export const nonceOf = ({ id }: Pick<Withdrawal, 'id'>): Hex => keccak256(toHex(`tollbridge-withdrawal:${id}`));

/** Of what is sent to the chain for it. */
export const referenceOf = ({ id }: Pick<Withdrawal, 'id'>): string => `withdrawal:${id}`;

export const sentEntry = (withdrawal: Withdrawal) => withdrawalSent(movementOf(withdrawal));
export const failedEntry = (withdrawal: Withdrawal) => withdrawalFailed(movementOf(withdrawal));
export const landedEntry = (withdrawal: Withdrawal, transaction: string) =>
  withdrawalLanded({ ...movementOf(withdrawal), payTo: withdrawal.payTo, transaction });

const movementOf = ({ id, customerId, network, atoms, feeAtoms }: Withdrawal) => ({
  withdrawalId: id,
  customerId,
  network,
  amount: usdc(atoms),
  fee: usdc(feeAtoms),
});
