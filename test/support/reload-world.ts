import { usd } from '../../src/common/money';
import { newId } from '../../src/common/id';
import type { Customer } from '../../src/customers/customer';
import { JobsService } from '../../src/jobs/jobs.service';
import { callCaptured } from '../../src/ledger/entries';
import { LedgerService } from '../../src/ledger/ledger.service';
import { type CardWorld, type Json, startCardWorld } from './card-world';
import { eventually } from './program';

/** Customers with saved cards, whose balances fill themselves up. */
export interface ReloadWorld extends CardWorld {
  /** A customer with a saved card (`pm_card_visa` unless said otherwise), and credit of so many cents. */
  saver(saved?: { card?: string; cents?: number }): Promise<Saver>;
  /** Uses so many cents of the balance, as a call that was captured does. */
  spend(customer: Customer, cents: number): Promise<void>;
  /** `PUT /v1/auto-reload` */
  put(key: string, terms: Json): Promise<{ status: number; body: Json }>;
  /** Asks whose balance is low, as the schedule does each minute, and waits until all that follows from it is done. */
  wake(): Promise<void>;
  /** All is delivered, and every job that is due is done. */
  settled(): Promise<void>;
  /** Newest first. */
  attempts(key: string): Promise<Json[]>;
  rule(key: string): Promise<Json>;
  available(key: string): Promise<string>;
  /** Kinds of what the customer was told, oldest first. */
  told(key: string): Promise<string[]>;
  /** Payment intents of the customer at Stripe. */
  charges(saver: Saver): Promise<{ amount: number; status: string }[]>;
}

export interface Saver {
  readonly customer: Customer;
  readonly key: string;
  /** At Stripe. */
  readonly stripeId: string;
  readonly card: string;
}

export async function startReloadWorld(env: Record<string, string> = {}): Promise<ReloadWorld> {
  const world = await startCardWorld(env);
  const get = <Service>(service: new (...given: never[]) => Service) =>
    world.app.app.get<Service>(service, { strict: false });
  const reload: ReloadWorld = {
    ...world,
    saver: async ({ card = 'pm_card_visa', cents = 0 } = {}) => {
      const { customer, key } = await world.customer();
      if ((await world.ask(key, '/v1/cards')).status !== 200) throw new Error('no cards');
      const [row] = await world.database.query<{ id: string }>(
        'SELECT stripe_customer_id AS id FROM customers WHERE id = $1',
        [customer.id],
      );
      const stripeId = row?.id ?? '';
      const saved = await world.stripe.paymentMethods.attach(card, { customer: stripeId });
      if (cents > 0) {
        const { session } = await world.topUp(key, cents);
        await world.press(`checkout/${session}/pay`);
        await world.delivered();
      }
      return { customer, key, stripeId, card: saved.id };
    },
    spend: async (customer, cents) => {
      const charge = usd(BigInt(cents) * 10_000_000n);
      await get(LedgerService).post(callCaptured({ callId: newId(), customerId: customer.id, charge }));
    },
    put: async (key, terms) => {
      const response = await fetch(`${world.app.url}/v1/auto-reload`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ enabled: true, ...terms }),
      });
      return { status: response.status, body: await response.json() };
    },
    wake: async () => {
      await get(JobsService).runNow('auto-reload-due');
      await reload.settled();
    },
    settled: async () => {
      const left = `SELECT id FROM jobs WHERE finished_at IS NULL AND (state <> 'waiting' OR run_at <= now())`;
      const idle = async () => ((await world.database.query(left)).length === 0 ? true : undefined);
      await world.delivered();
      await eventually('The end of due jobs', idle);
      await world.delivered();
      await eventually('The end of due jobs', idle);
    },
    attempts: async (key) => (await world.ask(key, '/v1/auto-reload/attempts')).body.data,
    rule: async (key) => (await world.ask(key, '/v1/auto-reload')).body,
    available: async (key) => (await world.ask(key, '/v1/balance')).body.available,
    told: async (key) =>
      (await world.ask(key, '/v1/notifications')).body.data.map(({ kind }: Json) => kind).toReversed(),
    charges: async ({ stripeId }) =>
      (await world.stripe.paymentIntents.list({ customer: stripeId, limit: 100 })).data.map(({ amount, status }) => ({
        amount,
        status,
      })),
  };
  return reload;
}
