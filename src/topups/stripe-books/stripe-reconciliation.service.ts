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
/** What has just moved at Stripe may have a time that is past here. */
const CLOCKS_DIFFER_MS = 60_000;
/** Money moves meanwhile: how often the balance is asked for again before a difference counts as one. */
const ROUNDS = 4;

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

  /**
   * What the books say is at Stripe, and what Stripe says. Movements are listed before the balance is read and after it:
   * those in between are in it or not, so either sum explains it, and it is told with them. A difference counts when it
   * was the same twice and nothing moved meanwhile.
   * @throws Error when money moves all the time and the balance is neither sum: nothing can be said of it then
   */
  private async compare(until: Date): Promise<{ ours: Money; theirs: Money; seen: Money }> {
    let before = await this.differences.total();
    let unlistedBefore: bigint | undefined;
    for (let round = 1; round <= ROUNDS; round += 1) {
      const { atoms } = await this.client.balance();
      await this.catchUp(until);
      const after = await this.differences.total();
      const { posted } = await this.accounts.balance(stripeClearing());
      const [ours, seen] = [usd(-posted.atoms), usd(after)];
      const isListed = atoms === before || atoms === after;
      if (isListed && (ours.atoms === after || round === ROUNDS)) return { ours, theirs: seen, seen };
      const isStill = before === after && atoms - after === unlistedBefore;
      if (!isListed && isStill) return { ours, theirs: usd(atoms), seen };
      [before, unlistedBefore] = [after, atoms - after];
    }
    throw new Error(
      'Money moves at Stripe all the time: its balance could not be compared. Ask again when it is calmer.',
    );
  }

  /** What has moved since the window ended, and whatever is open still. */
  private async catchUp(until: Date): Promise<void> {
    const from = new Date(until.getTime() - CLOCKS_DIFFER_MS);
    await this.matching.collect({ from }, () => undefined);
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
