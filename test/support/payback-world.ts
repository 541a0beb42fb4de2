import { formatMoney } from '../../src/common/money';
import type { Customer } from '../../src/customers/customer';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { DisputeOutcomes } from '../../src/topups/disputes/dispute-outcomes.service';
import { DisputesClient } from '../../src/topups/disputes/disputes.client';
import { conclude, type Json } from './card-world';
import { brokenGrants } from './grants-world';
import { type ReloadWorld, startReloadWorld } from './reload-world';

/** A payment that may go back. */
export interface PaidTopUp {
  readonly customer: Customer;
  readonly key: string;
  readonly topUp: string;
  readonly intent: string;
  readonly charge: string;
}

/** Top-ups that are paid, and what goes back of them: by us, in Stripe's dashboard, by a bank. */
export interface PaybackWorld extends ReloadWorld {
  /** A new customer's top-up of so many cents, paid and on the books. */
  paid(cents?: number): Promise<PaidTopUp>;
  /** A further one of the same customer. */
  paidAgain(owner: { customer: Customer; key: string }, cents: number): Promise<PaidTopUp>;
  /** `POST /admin/topups/:id/refunds`, waited for until Stripe has answered and told. */
  refund(topUp: string, body?: Json): Promise<{ status: number; body: Json }>;
  /** Newest first. */
  refunds(key: string): Promise<Json[]>;
  /** `GET /v1/balance` */
  balance(key: string): Promise<Json>;
  /** Stripe's balance moves for a dispute (in cents), and the application is told so: twice, which must be like once. */
  moved(disputeId: string, by: { amount: number; fee: number }): Promise<void>;
  /** What the books say of an account of the house, a plain decimal. */
  house(code: string): Promise<string>;
  /** What is left of the paid credit of a top-up, a plain decimal. */
  left(topUp: string): Promise<string>;
}

export async function startPaybackWorld(env: Record<string, string> = {}): Promise<PaybackWorld> {
  const world = await startReloadWorld(env);
  const rows = (sql: string, ...parameters: unknown[]) => world.database.query<any>(sql, parameters);
  const payback: PaybackWorld = {
    ...world,
    paid: async (cents = 10_000) => payback.paidAgain(await world.customer(['billing', 'inference']), cents),
    paidAgain: async (owner, cents) => {
      const { id, session } = await world.topUp(owner.key, cents);
      await world.press(`checkout/${session}/pay`);
      await world.delivered();
      const [{ payment_intent_id: intent }] = await rows('SELECT payment_intent_id FROM topups WHERE id = $1', id);
      const { latest_charge: charge } = await world.stripe.paymentIntents.retrieve(intent);
      return { ...owner, topUp: id, intent, charge: charge as string };
    },
    refund: async (topUp, body = {}) => {
      const answer = await world.ask(world.app.adminToken, `/admin/topups/${topUp}/refunds`, body);
      await world.settled();
      return answer;
    },
    refunds: async (key) => (await world.ask(key, '/v1/refunds')).body.data,
    balance: async (key) => (await world.ask(key, '/v1/balance')).body,
    moved: async (disputeId, by) => {
      await world.press('balance_transactions', { ...by, source: disputeId, category: 'dispute' });
      const atStripe = await world.app.app.get(DisputesClient, { strict: false }).find(disputeId);
      if (!atStripe) throw new Error('no dispute');
      const outcomes = world.app.app.get(DisputeOutcomes, { strict: false });
      for (const effect of ['dispute_changed', 'unchanged']) {
        expect(await world.database.transaction((tx) => outcomes.converge(tx, atStripe))).toBe(effect);
      }
    },
    house: async (code) => {
      const all = await world.app.app.get(LedgerAccountsService, { strict: false }).list();
      const found = all.find((account) => account.code === code);
      return found ? formatMoney(found.posted) : '0';
    },
    left: async (topUp) => {
      const [grant] = await rows(`SELECT remaining_atoms AS atoms FROM credit_grants WHERE origin_id = $1`, topUp);
      return formatMoney({ asset: 'USD', atoms: grant.atoms });
    },
  };
  return payback;
}

/** The end of every walk in which money goes back: nothing of it is on its way, and the books are Stripe's. */
export async function concludePayback(world: PaybackWorld): Promise<void> {
  await conclude(world);
  expect(await brokenGrants(world.app)).toEqual([]);
  expect([await world.house('stripe:refunding'), await world.house('stripe:disputed')]).toEqual(['0', '0']);
}

/** All that the books say of a customer with one payment and of its refunds, but for ids and instants. */
export const storyOf = async (world: PaybackWorld, { key, topUp, customer }: PaidTopUp): Promise<Json> => ({
  balance: { ...(await world.balance(key)), customerId: 'whoever' },
  topUp: (await world.ask(key, `/v1/topups/${topUp}`)).body.state,
  refunds: (await world.refunds(key)).map(({ state, amount, credit, tax }) => ({ state, amount, credit, tax })),
  postings: await world.database.query(
    `SELECT e.kind, debit.code AS debit, replace(credit.code, e.customer_id, '') AS credit, atoms FROM journal_entries e
       JOIN postings p ON p.entry_id = e.id JOIN ledger_accounts debit ON debit.id = p.debit_account_id
       JOIN ledger_accounts credit ON credit.id = p.credit_account_id
      WHERE e.customer_id = $1 AND NOT debit.code LIKE 'customer:%' ORDER BY e.id`,
    [customer.id],
  ),
});
