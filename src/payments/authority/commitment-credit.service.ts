import { Injectable } from '@nestjs/common';
import { BudgetCounters } from '../../budgets/budget-counters.service';
import { instantOf } from '../../common/id';
import { type CreditVerdict, HeldCredit } from '../../credits/held-credit.service';
import type { KeyInUse } from '../../customers/api-key';
import type { Tx } from '../../database/tx';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import type { LedgerHold } from '../../ledger/ledger.service';
import { holdOf, type NewCommitment } from './commitments.service';

/**
 * Between the last moment to settle and the ledger's own expiry of the hold: a settlement that came in time finds its
 * money, also when a sweeper's clock is ahead.
 */
export const HOLD_SLACK_MS = 60_000;

/** Holds the credit behind commitments, which weighs on the budgets of the customer and of the key that asked for it. */
@Injectable()
export class CommitmentCredit {
  constructor(
    private readonly credit: HeldCredit,
    private readonly accounts: LedgerAccountsService,
    private readonly budgets: BudgetCounters,
  ) {}

  /** The hold as it is to be opened. Before the transaction, which must not need a second connection. */
  async prepare({ id, spending }: KeyInUse, commitment: NewCommitment): Promise<LedgerHold> {
    const hold = holdOf(commitment);
    await this.accounts.idOf(hold.account);
    if (spending === null) return hold;
    const weights = await this.budgets.weightsOf(commitment.bundleId, id, spending, instantOf(hold.id));
    return { ...hold, counters: weights.map(({ counterId }) => counterId) };
  }

  /** `work` calls `hold`; it is run again when credit that has expired is to be booked first. */
  attempt<Result>(bundleId: string, work: () => Promise<Result>): Promise<Result> {
    return this.credit.afterExpiry(bundleId, work);
  }

  async hold(tx: Tx, hold: LedgerHold, holdExp: Date): Promise<CreditVerdict['verdict']> {
    const { verdict } = await this.credit.holdIn(tx, hold, new Date(holdExp.getTime() + HOLD_SLACK_MS));
    return verdict;
  }
}
