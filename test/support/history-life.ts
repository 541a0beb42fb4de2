import type { Customer } from '../../src/customers/customer';
import type { LedgerHold } from '../../src/ledger/ledger.service';
import { type Json } from './card-world';
import { GrantsWorld } from './grants-world';
import type { History, RestAction, Segment, Step, Story } from './history';
import { HistoryAsking } from './history-asking';
import type { HistoryChain, Payer } from './history-chain';
import { HistoryStripe, partOf } from './history-stripe';
import type { PaybackWorld } from './payback-world';

/** A customer of one life: nobody else has it. */
interface Someone {
  readonly customer: Customer;
  readonly key: string;
  readonly stripeId: string;
  /** Top-ups that were begun, the oldest first, with their pages. */
  readonly topUps: { id: string; session: string; bank: boolean }[];
  readonly holds: LedgerHold[];
  payer?: Payer;
}

const CENT = 10_000_000n;
const RELOAD = { thresholdCents: 2000, amountCents: 1000 };
/** Where tax is due, when the world has it. */
const BILLING = { country: 'DE', postal_code: '10115', name: 'Acme' };

/** Lives a history once, with customers of its own. It tells nobody of anything: that is for whoever tells it. */
export class HistoryLife {
  private readonly grants: GrantsWorld;
  private readonly people: Someone[] = [];
  private readonly stripe: HistoryStripe;
  /** Each action and step in turn, and whether it could happen. */
  readonly log: string[] = [];

  private readonly asking: HistoryAsking;

  constructor(
    private readonly world: PaybackWorld,
    private readonly chain?: HistoryChain,
  ) {
    this.grants = new GrantsWorld(world.app);
    this.asking = new HistoryAsking(world.app);
    this.stripe = new HistoryStripe(world);
  }

  get payers(): readonly Payer[] {
    return this.people.flatMap(({ payer }) => payer ?? []);
  }

  get customerIds(): string[] {
    return this.people.map(({ customer }) => customer.id);
  }

  async begin({ customers }: History): Promise<void> {
    for (const { reloads, cents, card } of customers) {
      const { customer, key, stripeId } = await this.world.saver({ card });
      const someone = { customer, key, stripeId, topUps: [], holds: [] };
      this.people.push(someone);
      await this.pay(someone, { step: 'pay', cents, currency: 'usd', bank: false });
      if (reloads) await this.world.put(key, RELOAD);
    }
  }

  /** Of calls in flight the rest is given back. */
  async end(): Promise<void> {
    for (const { holds } of this.people) for (const hold of holds.splice(0)) await this.grants.ledger.release(hold);
  }

  /** @param copies of what is asked for through HTTP, at once */
  async act(action: RestAction, copies = 1): Promise<void> {
    const someone = this.people[action.customer % this.people.length] as Someone;
    this.note(action, await this.do(someone, action, copies));
  }

  private async do(someone: Someone, action: RestAction, copies: number): Promise<unknown> {
    const { customer, holds } = someone;
    switch (action.act) {
      case 'call':
      case 'hold': {
        const hold = await this.grants.hold(customer.id, BigInt(action.cents) * CENT);
        if (!hold) return 'refused';
        if (action.act === 'hold') return holds.push(hold);
        return this.grants.capture(hold);
      }
      case 'capture':
      case 'release': {
        const [hold] = holds.splice(action.which % Math.max(holds.length, 1), 1);
        if (!hold) return 'no hold';
        if (action.act === 'release') return this.grants.ledger.release(hold);
        // A little more than what is held is what a call may cost, too.
        return this.grants.capture(hold, (hold.amount.atoms * BigInt(action.percent + 10)) / 100n);
      }
      case 'refund': {
        const charge = await this.stripe.charge(someone.stripeId, action.payment);
        if (!charge) return 'no payment';
        const [row] = await this.world.database.query<{ topup_id: string }>(
          'SELECT topup_id FROM stripe_payments WHERE payment_intent_id = $1',
          [charge.payment_intent],
        );
        const part = action.percent === 0 ? {} : { amountCents: partOf(charge.amount, action.percent) };
        const body = { ...part, force: action.force, paymentIntentId: charge.payment_intent };
        const answer = await this.world.ask(
          this.world.app.adminToken,
          `/admin/topups/${row?.topup_id ?? 'none'}/refunds`,
          body,
        );
        return answer.status === 201 ? answer.status : `${answer.status} ${answer.body.code}`;
      }
      case 'grant ends': {
        const ids = await this.grantIds(customer.id);
        const id = ids[action.which % Math.max(ids.length, 1)];
        return id === undefined ? 'no grant' : this.grants.end(id);
      }
      case 'limit':
        return this.grants.limit(customer.id, BigInt(action.cents) * CENT);
      case 'new card':
        return this.world.stripe.paymentMethods.attach('pm_card_visa', { customer: someone.stripeId });
      case 'gift':
      case 'code':
        return this.asking.act(action, customer.id, someone.key, copies);
      case 'usdc top-up':
      case 'usdc call':
      case 'usdc refund': {
        if (!this.chain) return 'no chain';
        someone.payer ??= await this.chain.payer();
        return this.chain.act(action, someone.payer, someone.key, copies);
      }
    }
  }

  /** What happens at Stripe, one thing each time that this is asked for the next. */
  async *happen({ days, payouts }: Segment, stories: readonly Story[]): AsyncGenerator<void> {
    if (days > 0) yield this.tried({ days }, () => this.stripe.pass(days));
    for (const { customer, payment, steps } of stories) {
      const someone = this.people[customer] as Someone;
      let own: string | undefined;
      for (const step of steps) {
        yield this.tried(step, async () => {
          own = (await this.perform(someone, payment, step, own)) ?? own;
        });
      }
    }
    for (const step of payouts) yield this.tried(step, () => this.stripe.payOut(step));
  }

  private async tried(what: object, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.note(what, 'done');
    } catch (error) {
      this.note(what, (error as Error).message.replaceAll(/\b[a-z]+_\w{14,}/g, '…'));
    }
  }

  /** @returns the session of a payment that begins here. @throws when it cannot happen */
  private async perform(someone: Someone, payment: number, step: Step, own?: string): Promise<string | void> {
    const { world } = this;
    if (step.step === 'pay') return this.pay(someone, step);
    if (step.step === 'pay again' || step.step === 'page expires' || step.step === 'bank settles') {
      const session = own ?? someone.topUps[payment % Math.max(someone.topUps.length, 1)]?.session;
      if (session === undefined) throw new Error('no page');
      if (step.step === 'pay again') await world.press(`checkout/${session}/pay_again`);
      if (step.step === 'page expires') await world.press(`checkout/${session}/expire`);
      if (step.step !== 'bank settles') return;
      const outcome = step.succeeds ? 'succeeded' : 'failed';
      await world.press(`checkout/${session}/settle_async`, { outcome });
      return;
    }
    const charge =
      own === undefined ? await this.stripe.charge(someone.stripeId, payment) : await this.stripe.chargeOf(own);
    if (!charge) throw new Error('no payment');
    const { id, amount } = charge;
    if (step.step === 'warn') await world.press(`charges/${id}/early_fraud_warning`);
    else if (step.step === 'refund') {
      const status = step.pending ? 'pending' : 'succeeded';
      await world.press(`charges/${id}/refund`, { amount: partOf(amount, step.percent), status });
    } else if (step.step === 'refund ends') {
      const refund = (await world.stripe.refunds.list({ charge: id, limit: 100 })).data.find(
        ({ status }) => status === 'pending' || (status === 'succeeded' && step.outcome === 'failed'),
      );
      await world.press(`refunds/${refund?.id}/settle`, { outcome: step.outcome });
    } else if (step.step === 'dispute') {
      const { percent, inquiry, withdraw } = step;
      const kind = inquiry ? { inquiry } : { withdraw };
      await world.press(`charges/${id}/dispute`, { amount: partOf(amount, percent), ...kind });
    } else await this.stripe.move((await this.world.stripe.disputes.list({ charge: id })).data[0], step.step);
  }

  private async pay(someone: Someone, { cents, currency, bank }: Extract<Step, { step: 'pay' }>): Promise<string> {
    const order = { amountCents: cents, currency };
    const { status, body } = await this.world.ask(someone.key, '/v1/topups', order);
    if (status !== 201) throw new Error(`no top-up: ${JSON.stringify(body)}`);
    const session = (body.url as string).split('/').pop() ?? '';
    someone.topUps.push({ id: body.id, session, bank });
    await this.world.press(`checkout/${session}/${bank ? 'pay_later' : 'pay'}`, BILLING);
    return session;
  }

  private async grantIds(customerId: string): Promise<string[]> {
    const sql = 'SELECT id FROM credit_grants WHERE customer_id = $1 ORDER BY created_at, class, origin, atoms';
    return (await this.world.database.query<{ id: string }>(sql, [customerId])).map(({ id }) => id);
  }

  private note(what: Json, result: unknown): void {
    const end = typeof result === 'string' ? result : 'done';
    this.log.push(`${JSON.stringify(what)}: ${end}`);
  }
}
