import { Injectable } from '@nestjs/common';
import { formatMoney, type Money, minus, usd } from '../../common/money';
import type { Finding, ReconciliationSide, ReconciliationWindow, SideReport } from '../../common/reconciliation-side';
import { stripeClearing } from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { BookDifferences } from './book-differences.service';
import { EventSweep } from './event-sweep.service';
import { MovementMatching } from './movement-matching.service';
import { PayoutsReconciliation } from './payouts-reconciliation.service';
import { StripeBooksClient } from './stripe-books.client';

/** A movement may be reported with a date that is days old. */
const LATE_MS = 3 * 86_400_000;
/** Money moves meanwhile: how often the balance is asked for again before a difference counts as one. */
const ROUNDS = 3;

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
    private readonly differences: BookDifferences,
    private readonly accounts: LedgerAccountsService,
  ) {}

  /** @throws Error when Stripe is not configured, and the books have movements or a balance of it */
  async isConfigured(): Promise<boolean> {
    if (this.client.isConfigured) return true;
    const { posted } = await this.accounts.balance(stripeClearing());
    if (posted.atoms === 0n && !(await this.differences.hasMovements())) return false;
    const here = formatMoney(usd(-posted.atoms));
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
    await this.catchUp(until);
    const payouts = await this.payouts.bringUpToDate();
    tell(`${payouts} payouts looked at`);
    const { ours, theirs, seen } = await this.compare(until);
    await this.differences.addUp(since);
    const payoutFindings = await this.payouts.differing();
    const findings = [
      ...(await this.differences.find(until > new Date() ? until : new Date())),
      ...payoutFindings,
      ...unlisted(minus(theirs, seen), from),
    ];
    return {
      counts: { events, missedEvents: missed, transactions: listed, newTransactions: fresh, payouts },
      balances: [{ name: 'stripe:clearing', ours, theirs }],
      findings,
    };
  }

  /** What the books say is at Stripe, and what Stripe says; once more, with what moved meanwhile, where that differs. */
  private async compare(until: Date): Promise<{ ours: Money; theirs: Money; seen: Money }> {
    for (let round = 1; ; round += 1) {
      const theirs = await this.client.balance();
      const { posted } = await this.accounts.balance(stripeClearing());
      const [ours, seen] = [usd(-posted.atoms), usd(await this.differences.total())];
      const alike = ours.atoms === theirs.atoms && seen.atoms === theirs.atoms;
      if (alike || round === ROUNDS) return { ours, theirs, seen };
      await this.catchUp(until);
    }
  }

  /** What has moved since the window ended, and whatever is open still. */
  private async catchUp(until: Date): Promise<void> {
    await this.matching.collect({ from: until }, () => undefined);
    await this.matching.explain();
  }
}

/** What of Stripe's balance comes from no movement that was ever listed. */
function unlisted(amount: Money, since: Date): Finding[] {
  if (amount.atoms === 0n) return [];
  const suggestedCause =
    'Stripe has had movements that were never listed here, most likely from before Tollbridge. Reconcile from the first day of the Stripe account.';
  return [{ kind: 'balance_unlisted', ref: 'balance', amount, account: stripeClearing().code, since, suggestedCause }];
}
