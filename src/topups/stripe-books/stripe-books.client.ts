import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { type Money, usd } from '../../common/money';
import { attempt, StripeConnection } from '../stripe-connection.client';
import { readStripeEvent, type StripeEvent } from '../stripe-event';
import type { StripeTransaction } from '../stripe-transaction';
import { toStripeTransaction } from '../stripe-transaction.client';
import { centsToUsd } from '../topup';
import { CardProcessorError } from '../topup-error';

/** A payout as Stripe has it at this moment. Amounts in smallest units. */
export interface PayoutAtStripe {
  readonly id: string;
  readonly status: string;
  readonly automatic: boolean;
  readonly method: string;
  readonly currency: string;
  /** Negative for one that takes money from the bank. */
  readonly amount: number;
  readonly arrivesAt: Date;
  readonly createdAt: Date;
  /** `completed`: what is behind it can be listed. `not_applicable` for a manual one. */
  readonly reconciliation: string;
  readonly failureCode: string | null;
  readonly traceId: string | null;
  /** What it moved of our balance: out, and in again when it failed or was cancelled. */
  readonly sent: StripeTransaction | undefined;
  readonly back: StripeTransaction | undefined;
}

/** From (included) until (not included); without an end where that is left out. */
export interface Span {
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
}

/** Nobody waits: a busy Stripe is asked again for longer than a person would be kept waiting. */
const PATIENTLY: Stripe.RequestOptions = { maxNetworkRetries: 5 };
const PAGE = 100;
const WAITS_MS = [500, 1000, 2000, 4000, 8000];

/** Stripe's own records of our money: events, balance transactions, payouts, the balance. Newest first, page by page. */
@Injectable()
export class StripeBooksClient {
  constructor(private readonly stripe: StripeConnection) {}

  get isConfigured(): boolean {
    return this.stripe.isConfigured;
  }

  /** At most those of the last 30 days: https://docs.stripe.com/api/events @throws CardProcessorError */
  async *events(span: Span): AsyncGenerator<StripeEvent[]> {
    const { events } = this.stripe.api;
    for await (const page of pagesOf((after) => events.list({ ...rangeOf(span), ...after, limit: PAGE }, PATIENTLY))) {
      yield page.map((event) => readStripeEvent(JSON.stringify(event))).filter((event) => event !== undefined);
    }
  }

  /** `undefined` when Stripe has it no more. @throws CardProcessorError */
  async event(id: string): Promise<StripeEvent | undefined> {
    try {
      return readStripeEvent(JSON.stringify(await unhurried(() => this.stripe.api.events.retrieve(id, {}, PATIENTLY))));
    } catch (error) {
      const cause = error instanceof CardProcessorError ? error.cause : undefined;
      if (cause instanceof Stripe.errors.StripeError && cause.statusCode === 404) return undefined;
      throw error;
    }
  }

  /** https://docs.stripe.com/api/balance_transactions @throws CardProcessorError */
  async *transactions(query: Span & { payout?: string }): AsyncGenerator<StripeTransaction[]> {
    const of = query.payout === undefined ? rangeOf(query) : { payout: query.payout };
    const { balanceTransactions } = this.stripe.api;
    for await (const page of pagesOf((after) =>
      balanceTransactions.list({ ...of, ...after, limit: PAGE }, PATIENTLY),
    )) {
      yield page.filter(isOfPayments).map((one) => toStripeTransaction(one));
    }
  }

  /** @throws CardProcessorError */
  async payout(id: string): Promise<PayoutAtStripe> {
    const expand = ['balance_transaction', 'failure_balance_transaction'];
    const payout = await unhurried(() => this.stripe.api.payouts.retrieve(id, { expand }));
    return {
      id: payout.id,
      status: payout.status,
      automatic: payout.automatic,
      method: payout.method,
      currency: payout.currency,
      amount: payout.amount,
      arrivesAt: new Date(payout.arrival_date * 1000),
      createdAt: new Date(payout.created * 1000),
      reconciliation: payout.reconciliation_status,
      failureCode: payout.failure_code,
      traceId: payout.trace_id?.value ?? null,
      sent: movementIn(payout.balance_transaction),
      back: movementIn(payout.failure_balance_transaction),
    };
  }

  /** Available and pending, in USD. https://docs.stripe.com/api/balance @throws CardProcessorError */
  async balance(): Promise<Money> {
    const { available, pending } = await unhurried(() => this.stripe.api.balance.retrieve({}, PATIENTLY));
    return [...available, ...pending]
      .filter(({ currency }) => currency === 'usd')
      .reduce((sum, { amount }) => usd(sum.atoms + centsToUsd(amount).atoms), usd(0n));
  }
}

/** A list of any length: each page is asked for behind the last one. */
async function* pagesOf<Item extends { id: string }>(
  list: (after: { starting_after?: string }) => Promise<Stripe.ApiList<Item>>,
): AsyncGenerator<Item[]> {
  let after = {};
  for (;;) {
    const { data, has_more: more } = await unhurried(() => list(after));
    yield data;
    const last = data.at(-1);
    if (!more || !last) return;
    after = { starting_after: last.id };
  }
}

/** Asks again, ever later, while Stripe says that it is asked too much: the package itself does not. */
async function unhurried<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (const wait of WAITS_MS) {
    try {
      return await attempt(ask());
    } catch (error) {
      if (!(error instanceof CardProcessorError && error.cause instanceof Stripe.errors.StripeRateLimitError))
        throw error;
      await sleep(wait);
    }
  }
  return attempt(ask());
}

function rangeOf({ from, until }: Span): { created?: Stripe.RangeQueryParam } {
  const created = {
    ...(from === undefined ? {} : { gte: Math.max(0, Math.floor(from.getTime() / 1000)) }),
    ...(until === undefined ? {} : { lt: Math.ceil(until.getTime() / 1000) }),
  };
  return Object.keys(created).length === 0 ? {} : { created };
}

/** What Stripe keeps for issued cards and prefunded refunds is another balance. */
const isOfPayments = ({ balance_type: type }: Stripe.BalanceTransaction): boolean =>
  type === undefined || type === 'payments';

const movementIn = (value: string | Stripe.BalanceTransaction | null): StripeTransaction | undefined =>
  value === null || typeof value === 'string' ? undefined : toStripeTransaction(value);
