import Stripe from 'stripe';
import { startBench, type Bench } from './simulator.fixture';
import type { StripeSimulatorOptions } from './stripe-simulator';
import { type WebhookReceiver, startWebhookReceiver } from './webhook-receiver';

const SECRET = 'whsec_test_of_the_simulator';

/** A bench whose webhooks arrive at a receiver that checks their signatures. */
export interface Till extends Bench {
  readonly receiver: WebhookReceiver;
  /** A session as a top-up makes it: 25 dollars of credit, the card kept for later. */
  topUp(more?: Stripe.Checkout.SessionCreateParams): Promise<Stripe.Checkout.Session>;
  /** The types that arrived, in the order in which they did. */
  types(): string[];
  /** For `receiver.until`. */
  came(type: string): () => boolean;
  /** The same receiver, and a new simulator behind it; the old one has been stopped. */
  startAgain(options: StripeSimulatorOptions): Promise<Till>;
}

export async function startTill(options: StripeSimulatorOptions = {}, receiver?: WebhookReceiver): Promise<Till> {
  const arriving = receiver ?? (await startWebhookReceiver(() => SECRET));
  const bench = await startBench({ webhook: { url: arriving.url, secret: SECRET }, ...options });
  const types = (): string[] => arriving.events.map(({ type }) => type);
  return {
    ...bench,
    receiver: arriving,
    topUp: (more = {}) => topUp(bench.stripe, more),
    types,
    came: (type) => () => types().includes(type),
    startAgain: (changed) => startTill(changed, arriving),
    stop: async () => {
      await bench.stop();
      await arriving.stop();
    },
  };
}

async function topUp(stripe: Stripe, more: Stripe.Checkout.SessionCreateParams): Promise<Stripe.Checkout.Session> {
  const customer = await stripe.customers.create({ email: 'ada@example.com' });
  return stripe.checkout.sessions.create({
    mode: 'payment',
    customer: customer.id,
    client_reference_id: 'topup_1',
    line_items: [
      { quantity: 1, price_data: { currency: 'usd', unit_amount: 2500, product_data: { name: 'API credit' } } },
    ],
    payment_intent_data: { metadata: { topup: '1' }, description: 'API credit', setup_future_usage: 'off_session' },
    metadata: { topup: '1' },
    success_url: 'http://127.0.0.1:1/done?session_id={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://127.0.0.1:1/cancel',
    ...more,
  });
}
