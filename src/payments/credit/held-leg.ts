import { usd } from '../../common/money';
import type { Leg } from '../../credits/legs';
import { customerCredits, customerGrant } from '../../ledger/ledger-account';
import type { LedgerHold } from '../../ledger/ledger.service';
import type { HeldLeg } from '../claim';

/** The hold of the ledger behind a part. */
export const legHold = (customerId: string, { grantId, holdId, atoms }: HeldLeg): LedgerHold => ({
  id: holdId,
  account: grantId === null ? customerCredits(customerId, 'USD') : customerGrant(customerId, grantId),
  amount: usd(BigInt(atoms)),
});

export const sizesOf = (legs: readonly HeldLeg[]): Leg[] =>
  legs.map(({ grantId, atoms }) => ({ grantId, atoms: BigInt(atoms) }));
