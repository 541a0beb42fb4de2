import { Injectable } from '@nestjs/common';
import { formatMoney, type Money, plus } from '../../common/money';
import type { Finding, ReconciliationSide, ReconciliationWindow, SideReport } from '../../common/reconciliation-side';
import { stripeClearing } from '../../ledger/ledger-account';
import { BalanceLooks } from './balance-look.service';
import { BookDifferences } from './book-differences.service';
import { EventSweep } from './event-sweep.service';
import { MovementMatching } from './movement-matching.service';
import { PayoutsReconciliation } from './payouts-reconciliation.service';
import { StripeBooksClient } from './stripe-books.client';

/** A movement may be reported with a date that is days old. */
const LATE_MS = 3 * 86_400_000;
/** What has just moved at Stripe may have a time that is past here. */
const CLOCKS_DIFFER_MS = 60_000;

/**
 * Stripe as the other side of the books. Every step is safe to repeat and writes down what it did: who is killed or
 * cut off in the middle begins anew, and finds most of it done.
 */
@Injectable()
export class StripeReconciliation implements ReconciliationSide {
  readonly name = 'stripe';

  constructor(
    private readonly client: StripeBooksClient,
    private readonly sweep: EventSweep,
    private readonly matching: MovementMatching,
    private readonly payouts: PayoutsReconciliation,
    private readonly looks: BalanceLooks,
    private readonly differences: BookDifferences,
  ) {}

  /** @throws Error when Stripe is not configured, and the books have movements or a balance of it */
  async isConfigured(): Promise<boolean> {
    if (this.client.isConfigured) return true;
    const booked = await this.differences.booked();
    if (booked.atoms === 0n && !(await this.differences.hasMovements())) return false;
    const here = formatMoney(booked);
    throw new Error(
      `Stripe is not configured, and the books have movements of it (stripe:clearing: ${here} USD): set STRIPE_SECRET_KEY.`,
    );
  }

  /** @throws CardProcessorError when Stripe cannot be asked */
  async reconcile({ from, until }: ReconciliationWindow, tell: (progress: string) => void): Promise<SideReport> {
    const since = new Date(from.getTime() - LATE_MS);
    const { events, missed } = await this.sweep.sweep();
    tell(`${events} events, ${missed} of them by no webhook`);
    const { listed, fresh } = await this.matching.collect({ from: since, until }, tell);
    const recent = secondOf(until);
    await this.matching.collect({ from: recent }, () => undefined);
    await this.matching.explain();
    const payouts = await this.payouts.bringUpToDate();
    tell(`${payouts} payouts looked at`);
    const unlisted = await this.looks.unlisted(recent);
    await this.differences.addUp(since);
    const { ours, seen, waiting, findings } = await this.differences.find(until > new Date() ? until : new Date());
    return {
      counts: { events, missedEvents: missed, transactions: listed, newTransactions: fresh, payouts, waiting },
      balances: [{ name: 'stripe:clearing', ours, theirs: plus(seen, unlisted) }],
      findings: [...findings, ...(await this.payouts.differing()), ...unlistedFinding(unlisted, from)],
    };
  }
}

/** What of Stripe's balance comes from no movement that was ever listed. */
function unlistedFinding(amount: Money, since: Date): Finding[] {
  if (amount.atoms === 0n) return [];
  const suggestedCause =
    'Stripe has had movements that were never listed here, most likely from before Tollbridge. Reconcile from the first day of the Stripe account.';
  return [{ kind: 'balance_unlisted', ref: 'balance', amount, account: stripeClearing().code, since, suggestedCause }];
}

/** Stripe dates movements by the second. */
const secondOf = (time: Date): Date => new Date(Math.floor((time.getTime() - CLOCKS_DIFFER_MS) / 1000) * 1000);
