import { Injectable } from '@nestjs/common';
import { NotificationsService } from '../../customers/notifications.service';
import type { Tx } from '../../database/tx';
import { JobsService } from '../../jobs/jobs.service';
import type { JournalEntry } from '../../ledger/journal-entry';
import { bank, stripeClearing, stripeFees, stripePayouts } from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import { payoutBounced, payoutLanded, payoutMoved } from '../../ledger/payout-entries';
import { StripeMovements } from '../stripe-movements.service';
import type { StripeTransaction } from '../stripe-transaction';
import { centsToUsd } from '../topup';
import { atTheBank, nextPayoutState } from './payout';
import { type Payout, PayoutStore } from './payout-store.service';
import { payoutTieOutJob } from './payout-tie-out-job';
import type { PayoutAtStripe } from './stripe-books.client';

/**
 * Brings a payout of ours to the state of the one at Stripe. What leaves Stripe's balance and what reaches the bank are
 * apart: each movement of the balance is booked by its own id, each step at the bank once.
 */
@Injectable()
export class PayoutOutcomes {
  constructor(
    private readonly accounts: LedgerAccountsService,
    private readonly ledger: LedgerService,
    private readonly movements: StripeMovements,
    private readonly store: PayoutStore,
    private readonly jobs: JobsService,
    private readonly notifications: NotificationsService,
  ) {}

  /** Before the transaction: makes sure of the ledger accounts. */
  async prepare(): Promise<void> {
    await this.accounts.idsOf(HOUSE);
  }

  /** In the caller's transaction. */
  async converge(tx: Tx, atStripe: PayoutAtStripe): Promise<string> {
    const payout = await this.store.see(tx, atStripe);
    const ids = await this.accounts.idsOf(HOUSE);
    await tx.query('SELECT FROM ledger_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE', [ids]);
    const sent = await this.book(tx, payout, 'payout_sent', atStripe.sent);
    const back = await this.book(tx, payout, 'payout_returned', atStripe.back);
    const moved = await this.advance(tx, payout, atStripe.status);
    if (payout.automatic && payout.tiedOutAt === null && atStripe.reconciliation === 'completed') {
      await this.jobs.enqueue(tx, payoutTieOutJob(payout.id));
    }
    return sent || back || moved ? 'payout_changed' : 'unchanged';
  }

  private async advance(tx: Tx, payout: Payout, status: string): Promise<boolean> {
    const state = nextPayoutState(payout.state, status);
    if (state === undefined) return false;
    await this.store.move(tx, payout.id, state);
    const step = payout.currency === 'usd' ? atTheBank(payout.state, state) : undefined;
    const told = { payoutId: payout.id, amount: centsToUsd(Number(payout.amount)) };
    if (step === 'landed') await this.post(tx, payoutLanded(told));
    if (step === 'bounced') await this.post(tx, payoutBounced(told));
    if (state === 'failed') await this.tell(tx, payout);
    return true;
  }

  /** Stripe pays nothing out to a bank that refused until somebody has looked at its details. */
  private async tell(tx: Tx, { id, amount, currency, failureCode }: Payout): Promise<void> {
    const data = { payout: id, amountMinor: amount.toString(), currency, failureCode };
    await this.notifications.add(tx, { customerId: null, kind: 'payout_failed', key: `payout:${id}:failed`, data });
  }

  private async book(
    tx: Tx,
    { id: payoutId }: Payout,
    kind: 'payout_sent' | 'payout_returned',
    movement: StripeTransaction | undefined,
  ): Promise<boolean> {
    if (!movement) return false;
    if (movement.currency !== 'usd') {
      // Another balance than stripe:clearing: it stays open, for reconciliation.
      await this.movements.see(tx, movement);
      return false;
    }
    const [moved, fee] = [centsToUsd(movement.amount), centsToUsd(movement.fee)];
    return this.movements.book(tx, movement, payoutMoved(kind, { payoutId, transactionId: movement.id, moved, fee }));
  }

  private async post(tx: Tx, entry: JournalEntry): Promise<void> {
    const { verdict } = await this.ledger.postIn(tx, entry);
    if (verdict !== 'posted' && verdict !== 'replayed') throw new LedgerRefusedError(entry.key, verdict);
  }
}

const HOUSE = [stripeClearing(), stripePayouts(), stripeFees(), bank()];
