import type Stripe from 'stripe';
import type { PayoutStep, Step } from './history';
import type { PaybackWorld } from './payback-world';

const MOST_DAYS = 8;
const BUTTONS = { 'on its way': 'advance', fails: 'fail', 'can be tied out': 'reconcile' } as const;

/** What of a life happens at Stripe alone. Everything throws when it cannot happen. */
export class HistoryStripe {
  private days = 0;

  constructor(private readonly world: PaybackWorld) {}

  /** Not for so long that a bank decides what nobody has answered. */
  async pass(days: number): Promise<void> {
    const passing = Math.min(days, MOST_DAYS - this.days);
    this.days += passing;
    await this.world.press('clock', { advanceSeconds: passing * 86_400 });
  }

  async payOut({ payout, which, percent }: PayoutStep): Promise<void> {
    const { world } = this;
    const { stripe } = world;
    if (payout === 'by hand') {
      const { available } = await stripe.balance.retrieve();
      const cents = available.find(({ currency }) => currency === 'usd')?.amount ?? 0;
      await stripe.payouts.create({ amount: partOf(cents, percent), currency: 'usd' });
      return;
    }
    const { data } = await stripe.payouts.list({ limit: 100 });
    const id = data[which % Math.max(data.length, 1)]?.id;
    await world.press(`payouts/${id}/${BUTTONS[payout]}`);
  }

  /** The next step of a dispute. */
  async move(dispute: Stripe.Dispute | undefined, step: Step['step']): Promise<void> {
    const path = `disputes/${dispute?.id}`;
    if (step === 'withdraw' || step === 'review' || step === 'escalate' || step === 'reinstate') {
      await this.world.press(`${path}/${step}`);
    } else if (step === 'win' || step === 'win without money') {
      await this.world.press(`${path}/close`, { outcome: 'won', reinstate: step === 'win' });
    } else {
      await this.world.press(`${path}/close`, { outcome: step === 'lose' ? 'lost' : 'warning_closed' });
    }
  }

  /** One of the customer's payments, reloads among them. */
  async charge(stripeId: string, which: number): Promise<Stripe.Charge | undefined> {
    const { data } = await this.world.stripe.charges.list({ customer: stripeId, limit: 100 });
    const paid = data.filter(({ status }) => status === 'succeeded').toReversed();
    return paid[which % Math.max(paid.length, 1)];
  }

  /** What was paid on a page. */
  async chargeOf(session: string): Promise<Stripe.Charge | undefined> {
    const { payment_intent: intent } = await this.world.stripe.checkout.sessions.retrieve(session);
    if (!intent) return undefined;
    const { latest_charge: charge } = await this.world.stripe.paymentIntents.retrieve(intent as string, {
      expand: ['latest_charge'],
    });
    return (charge as Stripe.Charge | null) ?? undefined;
  }
}

/** At least a cent. */
export const partOf = (cents: number, percent: number): number => Math.max(1, Math.floor((cents * percent) / 100));
