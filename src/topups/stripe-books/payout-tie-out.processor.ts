import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { formatAtoms } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { JobsService } from '../../jobs/jobs.service';
import { StripeMovements } from '../stripe-movements.service';
import type { StripeTransaction } from '../stripe-transaction';
import { differenceOf, shortfallOf } from './payout';
import { type Payout, PayoutStore } from './payout-store.service';
import { PAYOUT_TIE_OUT, type PayoutTieOutPayload } from './payout-tie-out-job';
import { StripeBooksClient } from './stripe-books.client';

/** Adds up what is behind a payout. */
@Injectable()
export class PayoutTieOut implements OnModuleInit {
  private readonly logger = new Logger('Payouts');

  constructor(
    private readonly jobs: JobsService,
    private readonly database: DatabaseService,
    private readonly client: StripeBooksClient,
    private readonly movements: StripeMovements,
    private readonly store: PayoutStore,
  ) {}

  onModuleInit(): void {
    this.jobs.handle<PayoutTieOutPayload>({
      name: PAYOUT_TIE_OUT,
      run: async ({ payload }) => this.automatic(await this.store.get(this.database, payload.payoutId)),
    });
  }

  /** Every payout that can be tied out and is not; those made by hand only once all movements until now were seen. */
  async tieOutAll(): Promise<number> {
    const payouts = await this.store.untied(this.database);
    for (const payout of payouts) {
      const write = payout.automatic ? await this.automatic(payout) : (tx: Tx) => this.byDate(tx, payout);
      await this.database.transaction(write);
    }
    return payouts.length;
  }

  /** Asks Stripe what was paid out. @throws CardProcessorError */
  private async automatic(payout: Payout): Promise<(tx: Tx) => Promise<void>> {
    const transactions: StripeTransaction[] = [];
    for await (const page of this.client.transactions({ payout: payout.id })) transactions.push(...page);
    return async (tx) => {
      // The payout before its movements, as whatever Stripe tells of it: else each would wait for the other.
      await this.store.lock(tx, payout.id);
      await this.movements.seeAll(tx, transactions);
      await this.store.claim(
        tx,
        payout.id,
        transactions.map(({ id }) => id),
      );
      await this.note(tx, payout, BigInt(differenceOf(Number(payout.amount), payout.transactionId, transactions)));
    };
  }

  private async byDate(tx: Tx, payout: Payout): Promise<void> {
    const available = await this.store.availableBefore(tx, payout);
    await this.note(tx, payout, shortfallOf(Number(payout.amount), available));
  }

  private async note(tx: Tx, { id, currency }: Payout, difference: bigint): Promise<void> {
    if (difference !== 0n) this.logger.error(`ALERT ${id} differs by ${formatAtoms(difference, 2)} ${currency}.`);
    await this.store.tieOut(tx, id, difference);
  }
}
