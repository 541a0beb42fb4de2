import { type Json } from './card-world';
import type { History, RestAction, Segment, Step, Story } from './history';
import { HistoryActs, type Someone } from './history-acts';
import type { HistoryChain, Payer } from './history-chain';
import { HistoryStripe, partOf } from './history-stripe';
import type { PaybackWorld } from './payback-world';

const RELOAD = { thresholdCents: 2000, amountCents: 1000 };
/** Where tax is due, when the world has it. */
const BILLING = { country: 'DE', postal_code: '10115', name: 'Acme' };

/** Lives a history once, with customers of its own. It tells nobody of anything: that is for whoever tells it. */
export class HistoryLife {
  private readonly acts: HistoryActs;
  private readonly people: Someone[] = [];
  private readonly stripe: HistoryStripe;
  /** Each action and step in turn, and whether it could happen. */
  readonly log: string[] = [];

  constructor(
    private readonly world: PaybackWorld,
    chain?: HistoryChain,
  ) {
    this.stripe = new HistoryStripe(world);
    this.acts = new HistoryActs(world, this.stripe, chain);
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
    for (const someone of this.people) await this.acts.releaseAll(someone);
  }

  /** @param copies of what is asked for through HTTP, at once */
  async act(action: RestAction, copies = 1): Promise<void> {
    const someone = this.people[action.customer % this.people.length] as Someone;
    this.note(action, await this.acts.do(someone, action, copies));
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

  private note(what: Json, result: unknown): void {
    const end = typeof result === 'string' ? result : 'done';
    this.log.push(`${JSON.stringify(what)}: ${end}`);
  }
}
