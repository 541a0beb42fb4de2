import Stripe from 'stripe';
import { idOf } from './ids';
import { type StripeSimulator, type StripeSimulatorOptions, startStripeSimulator } from './stripe-simulator';

/** A simulator for a spec, the real package connected to it, and its switches. */
export interface Bench {
  readonly simulator: StripeSimulator;
  readonly stripe: Stripe;
  /** `POST /_simulator/<path>`; rejects with the refusal's message. */
  // oxlint-disable-next-line typescript/no-explicit-any -- answers of many shapes, looked into by tests
  press(path: string, body?: object): Promise<any>;
  /** A new customer with a card that may be charged off-session. */
  customerWithCard(card?: string): Promise<{ customer: string; method: string }>;
  /** A payment of `amount` cents by a card given as a test id. */
  pay(method: string, more?: Partial<Stripe.PaymentIntentCreateParams>): Promise<Stripe.PaymentIntent>;
  /** The types of the events since the last call, oldest first; those of `customer.*`, prices and products left out. */
  news(): Promise<string[]>;
  stop(): Promise<void>;
}

/** `fetched` sees every answer that the package gets, when given. */
export async function startBench(
  options: StripeSimulatorOptions = {},
  fetched?: (answer: Response) => void,
): Promise<Bench> {
  const simulator = await startStripeSimulator(options);
  const { host, port, secretKey } = simulator;
  const watching = async (...request: Parameters<typeof fetch>): Promise<Response> => {
    const answer = await fetch(...request);
    fetched?.(answer.clone());
    return answer;
  };
  const stripe = new Stripe(secretKey, {
    ...{ host, port, protocol: 'http', telemetry: false, maxNetworkRetries: 0 },
    ...(fetched && { httpClient: Stripe.createFetchHttpClient(watching) }),
  });
  const seen = new Set<string>();
  return {
    simulator,
    stripe,
    press: async (path, body = {}) => {
      const headers = { 'content-type': 'application/json' };
      const url = `${simulator.url}/_simulator/${path}`;
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
      const json = (await answer.json()) as { error?: { message: string } };
      if (!answer.ok) throw new Error(json.error?.message);
      return json;
    },
    customerWithCard: async (card = 'pm_card_visa') => {
      const { id: customer } = await stripe.customers.create({ email: 'ada@example.com' });
      const method = (await stripe.paymentMethods.attach(card, { customer })).id;
      return { customer, method };
    },
    pay: (payment_method, more = {}) =>
      stripe.paymentIntents.create({ amount: 10_000, currency: 'usd', payment_method, confirm: true, ...more }),
    news: async () => {
      const fresh: string[] = [];
      for await (const { id, type } of stripe.events.list({ limit: 100 })) {
        if (seen.has(id)) break;
        seen.add(id);
        fresh.push(type);
      }
      return fresh.toReversed().filter((type) => !/^(customer|price|product)\./.test(type));
    },
    stop: () => simulator.stop(),
  };
}

/** The error that the package throws; rejects when there is none. */
export async function refusalOf(attempt: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  return attempt.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => error as Stripe.errors.StripeError,
  );
}

export const ref = (reference: Parameters<typeof idOf>[0]): string => idOf(reference) ?? '';
