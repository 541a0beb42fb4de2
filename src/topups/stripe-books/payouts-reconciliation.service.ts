import { Injectable } from '@nestjs/common';
import { formatMoney, plus, usd } from '../../common/money';
import type { Finding } from '../../common/reconciliation-side';
import { DatabaseService } from '../../database/database.service';
import { centsToUsd } from '../topup';
import { PayoutOutcomes } from './payout-outcomes.service';
import { type Payout, PayoutStore } from './payout-store.service';
import { PayoutTieOut } from './payout-tie-out.processor';
import { StripeBooksClient } from './stripe-books.client';

/** Payouts until now: what no event told of them, and whether they add up. */
@Injectable()
export class PayoutsReconciliation {
  constructor(
    private readonly database: DatabaseService,
    private readonly client: StripeBooksClient,
    private readonly store: PayoutStore,
    private readonly outcomes: PayoutOutcomes,
    private readonly tieOut: PayoutTieOut,
  ) {}

  /** Every movement until now must have been seen. @returns how many were looked at. @throws CardProcessorError */
  async bringUpToDate(): Promise<number> {
    await this.outcomes.prepare();
    const unsettled = await this.store.unsettled(this.database);
    for (const id of unsettled) {
      const payout = await this.client.payout(id);
      await this.database.transaction((tx) => this.outcomes.converge(tx, payout));
    }
    const tied = await this.tieOut.tieOutAll();
    return Math.max(unsettled.length, tied);
  }

  /** Payouts that do not add up, after `bringUpToDate`. */
  async differing(): Promise<Finding[]> {
    const payouts = (await this.store.untied(this.database)).filter(({ currency }) => currency === 'usd');
    return payouts.map(toFinding);
  }
}

const differenceOf = ({ difference }: Payout) => centsToUsd(Number(difference ?? 0n));
const amountOf = ({ amount }: Payout) => centsToUsd(Number(amount));

/** The payout itself is booked, whatever is behind it: no amount is missing on `stripe:clearing`. */
function toFinding(payout: Payout): Finding {
  const [amount, behind] = [amountOf(payout), plus(amountOf(payout), differenceOf(payout))].map(formatMoney);
  const suggestedCause = payout.automatic
    ? `The transactions behind this payout of ${amount} USD add up to ${behind} USD. Compare them with Stripe's payout reconciliation report.`
    : `This payout of ${amount} USD was made by hand, and by the movements that are known only ${behind} USD was available. Earlier ones are missing here: reconcile from an earlier day.`;
  return {
    kind: 'payout_difference',
    ref: payout.id,
    amount: usd(0n),
    since: payout.createdAt,
    suggestedCause,
  };
}
