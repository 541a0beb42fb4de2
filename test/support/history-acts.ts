import type { Customer } from '../../src/customers/customer';
import type { LedgerHold } from '../../src/ledger/ledger.service';
import { GrantsWorld } from './grants-world';
import type { RestAction } from './history';
import { HistoryAsking } from './history-asking';
import type { HistoryChain, Payer } from './history-chain';
import { type HistoryStripe, partOf } from './history-stripe';
import type { PaybackWorld } from './payback-world';

/** A customer of one life: nobody else has it. */
export interface Someone {
  readonly customer: Customer;
  readonly key: string;
  readonly stripeId: string;
  /** Top-ups that were begun, the oldest first, with their pages. */
  readonly topUps: { id: string; session: string; bank: boolean }[];
  readonly holds: LedgerHold[];
  payer?: Payer;
}

/** Nano-USD in one. */
const CENT = 10_000_000n;

/** What customers and the operator do while all is told and done. */
export class HistoryActs {
  private readonly grants: GrantsWorld;
  private readonly asking: HistoryAsking;

  constructor(
    private readonly world: PaybackWorld,
    private readonly stripe: HistoryStripe,
    private readonly chain?: HistoryChain,
  ) {
    this.grants = new GrantsWorld(world.app);
    this.asking = new HistoryAsking(world.app);
  }

  /** @param copies of what is asked for through HTTP, at once. @returns what came of it, when it is told */
  async do(someone: Someone, action: RestAction, copies: number): Promise<unknown> {
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

  async releaseAll({ holds }: Someone): Promise<void> {
    for (const hold of holds.splice(0)) await this.grants.ledger.release(hold);
  }

  private async grantIds(customerId: string): Promise<string[]> {
    const sql = 'SELECT id FROM credit_grants WHERE customer_id = $1 ORDER BY created_at, class, origin, atoms';
    return (await this.world.database.query<{ id: string }>(sql, [customerId])).map(({ id }) => id);
  }
}
