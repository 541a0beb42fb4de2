import { Injectable } from '@nestjs/common';
import { StripeCustomers } from '../stripe-customers.service';
import { StripeClient } from '../stripe.client';
import { type ChargeAnswer, OffSessionClient } from './off-session.client';
import type { ReloadAttempt, ReloadOutcome } from './reload-attempt';
import type { AttemptRow } from './reload-attempts.service';

const HOUR_MS = 3_600_000;
/** Stripe keeps an idempotency key for 24 h at least: some hours before that is over it is used for the last time. */
const KEY_USED_MS = 20 * HOUR_MS;
/** What was asked for the last time hours ago has arrived by then, or never will: only now does nothing mean nothing. */
const ARRIVED_MS = 24 * HOUR_MS;

/** An attempt at Stripe: charged once, whatever dies in between. */
@Injectable()
export class ReloadCharges {
  constructor(
    private readonly customers: StripeCustomers,
    private readonly offSession: OffSessionClient,
    private readonly stripe: StripeClient,
  ) {}

  /** Charges the card of an attempt, in US cents, or learns what became of that. @throws CardProcessorError */
  async outcomeOf(attempt: AttemptRow, cents: number): Promise<ReloadOutcome> {
    const stripeCustomerId = await this.customers.idOf(attempt.customerId);
    const answer = await this.ask(attempt, stripeCustomerId, cents);
    return answer ? this.arranged(attempt, stripeCustomerId, cents, answer) : { kind: 'never_reached' };
  }

  /**
   * What Stripe has of an attempt that charges no more. `undefined` for nothing yet: what was asked may still arrive.
   * @throws CardProcessorError
   */
  async madeBefore(attempt: AttemptRow): Promise<ReloadOutcome | undefined> {
    const { id, customerId, createdAt } = attempt;
    const answer = await this.offSession.search(id, await this.customers.idOf(customerId), createdAt);
    if (!answer) return ageOf(attempt) > ARRIVED_MS ? { kind: 'not_wanted' } : undefined;
    if (answer.kind !== 'authentication_required') return answer;
    // Nobody is asked to confirm what is not wanted.
    const cancelled = await this.offSession.cancel(answer.paymentIntentId);
    if (cancelled === 'cancelled' || cancelled.kind === 'authentication_required') return { kind: 'not_wanted' };
    return cancelled;
  }

  /** Whoever has to confirm a charge gets a page for it. */
  private async arranged(
    attempt: AttemptRow,
    stripeCustomerId: string,
    cents: number,
    answer: ChargeAnswer,
  ): Promise<ReloadOutcome> {
    if (answer.kind !== 'authentication_required') return answer;
    const { paymentIntentId } = answer;
    const cancelled = await this.offSession.cancel(paymentIntentId);
    if (cancelled !== 'cancelled' && cancelled.kind !== 'authentication_required') return cancelled;
    const { topUpId, customerId } = attempt;
    const request = { topUpId, customerId, stripeCustomerId, cents, currency: 'usd', saveCard: true };
    const page = await this.stripe.createCheckout(request);
    return { kind: 'needs_authentication', paymentIntentId, ...page };
  }

  /**
   * What became of a charge, for whoever did not make it. `undefined` while its holder has to be asked: that is arranged
   * by the job that made it. @throws CardProcessorError
   */
  async presentOutcome({ state }: ReloadAttempt, paymentIntentId: string): Promise<ReloadOutcome | undefined> {
    const answer = await this.offSession.find(paymentIntentId);
    if (answer.kind !== 'authentication_required') return answer;
    // What a bank was moving already gets no page: it has failed.
    return state === 'processing'
      ? { kind: 'declined', paymentIntentId, declineCode: answer.kind, adviceCode: null }
      : undefined;
  }

  /** Nobody can pay on the page any more that the holder of the card was sent to. */
  async closePage({ sessionId }: Pick<AttemptRow, 'sessionId'>): Promise<void> {
    if (sessionId !== null) await this.stripe.expireCheckout(sessionId);
  }

  private async ask(attempt: AttemptRow, stripeCustomerId: string, cents: number): Promise<ChargeAnswer | undefined> {
    const { id, topUpId, customerId, paymentMethodId, createdAt } = attempt;
    const keyIsOld = ageOf(attempt) > KEY_USED_MS;
    if (keyIsOld || attempt.state === 'in_doubt') {
      // Also while the key lives: under it Stripe repeats an error of its own, although the card was charged.
      const found = await this.offSession.search(id, stripeCustomerId, createdAt);
      if (found || ageOf(attempt) > ARRIVED_MS) return found;
      if (keyIsOld) throw new Error(`Nothing of ${id} is at Stripe, and what was asked may still arrive.`);
    }
    const charge = { attemptId: id, topUpId, customerId, stripeCustomerId, cents };
    return this.offSession.charge({ ...charge, paymentMethodId: paymentMethodId ?? '' });
  }
}

const ageOf = ({ createdAt }: AttemptRow): number => Date.now() - createdAt.getTime();
