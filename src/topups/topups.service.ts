import { Inject, Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { NotFoundError } from '../common/billing-error';
import { prefixedId } from '../common/id';
import type { Money } from '../common/money';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import type { CurrencyTerms } from '../config/top-up-terms';
import { DatabaseService } from '../database/database.service';
import { StripeCustomers } from './stripe-customers.service';
import { StripeClient } from './stripe.client';
import { bonusOf } from './tiers';
import { assertInRange, ATOMS_PER_CENT, inUsd, type TopUp, type TopUpState } from './topup';
import { AmountOutOfRangeError, CurrencyNotTakenError } from './topup-error';

/** What a customer asks for. */
export interface TopUpOrder {
  /** Cents of `currency`. */
  readonly amountCents: number;
  /** One of those that the operator takes; the first of them when left out. */
  readonly currency?: string;
  readonly saveCard?: boolean;
}

/** Starts top-ups by card and shows them. Money arrives elsewhere: in the webhook. */
@Injectable()
export class TopUpsService {
  constructor(
    private readonly database: DatabaseService,
    private readonly customers: StripeCustomers,
    private readonly stripe: StripeClient,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * A top-up of `amountCents` cents of its currency, and the page of Stripe's to pay it on. Our row comes first: whatever is paid on a
   * page finds the top-up that it was made for, also when we die before we know of the page.
   * @throws AmountOutOfRangeError, CurrencyNotTakenError, NotFoundError `customer_not_found`, CardTopUpsUnavailableError, CardProcessorError
   */
  async create(customerId: string, order: TopUpOrder): Promise<TopUp> {
    const { amountCents: cents, saveCard = false } = order;
    this.stripe.assertConfigured();
    const { currencies, tiers } = this.config.topUps;
    const { code: currency, atomsPerMinor } = currencyNamed(order.currency, currencies);
    if (!Number.isSafeInteger(cents)) throw new AmountOutOfRangeError(cents, this.config.topUps);
    const credit = inUsd(cents, atomsPerMinor);
    assertInRange(Number(credit.atoms / ATOMS_PER_CENT), this.config.topUps);
    const stripeCustomerId = await this.customers.idOf(customerId);
    const id = prefixedId('top');
    await this.database.query(
      `INSERT INTO topups (id, customer_id, rail, state, asset, atoms, currency, atoms_per_minor, bonus_atoms)
       VALUES ($1, $2, 'card', 'pending', 'USD', $3, $4, $5, $6)`,
      [id, customerId, credit.atoms, currency, atomsPerMinor, bonusOf(credit, tiers).atoms],
    );
    const request = { topUpId: id, customerId, stripeCustomerId, cents, currency, saveCard };
    try {
      const { sessionId, url } = await this.stripe.createCheckout(request);
      await this.database.query('UPDATE topups SET checkout_session_id = $2, url = $3 WHERE id = $1', [
        id,
        sessionId,
        url,
      ]);
    } catch (error) {
      // Nobody was given a page to pay on. Should there be one after all and somebody pay, the money still counts.
      await this.database.query(`UPDATE topups SET state = 'failed' WHERE id = $1 AND state = 'pending'`, [id]);
      throw error;
    }
    return this.get(id);
  }

  /** @throws NotFoundError `top_up_not_found`, also for a top-up of another customer than `customerId`. */
  async get(id: string, customerId?: string): Promise<TopUp> {
    const rows = await this.database.query<TopUpRow>(
      'SELECT * FROM topups WHERE id = $1 AND ($2::text IS NULL OR customer_id = $2)',
      [id, customerId ?? null],
    );
    if (!rows[0]) throw new NotFoundError({ what: 'top up', id });
    return toTopUp(rows[0]);
  }

  /**
   * The receipt of a top-up that was paid by card. Asked for each time: Stripe's addresses of receipts end after a while.
   * @throws NotFoundError `top_up_not_found`, `receipt_not_found`; CardProcessorError
   */
  async receipt(id: string, customerId?: string): Promise<string> {
    await this.get(id, customerId);
    const [paid] = await this.database.query<{ intent: string | null }>(
      'SELECT payment_intent_id AS intent FROM topups WHERE id = $1',
      [id],
    );
    const url = paid?.intent?.startsWith('pi_') ? await this.stripe.receiptOf(paid.intent) : undefined;
    if (url === undefined) throw new NotFoundError({ what: 'receipt', id });
    return url;
  }

  /** Newest first; `before` is the last id of the page that came before. */
  async list(customerId: string | undefined, limit: number, before?: string): Promise<TopUp[]> {
    const rows = await this.database.query<TopUpRow>(
      `SELECT * FROM topups WHERE ($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3`,
      [customerId ?? null, before ?? null, limit],
    );
    return rows.map(toTopUp);
  }

  /** For the page that a person comes back to: the session's id is as hard to guess as a key. */
  async findBySession(sessionId: string): Promise<TopUp | undefined> {
    const rows = await this.database.query<TopUpRow>('SELECT * FROM topups WHERE checkout_session_id = $1', [
      sessionId,
    ]);
    return rows[0] && toTopUp(rows[0]);
  }
}

function currencyNamed(named: string | undefined, taken: readonly CurrencyTerms[]): CurrencyTerms {
  const found = named === undefined ? taken[0] : taken.find(({ code }) => code === named);
  if (found) return found;
  throw new CurrencyNotTakenError(
    named ?? '',
    taken.map(({ code }) => code),
  );
}

interface TopUpRow {
  id: string;
  customer_id: string;
  rail: TopUp['rail'];
  state: TopUpState;
  asset: AssetCode;
  atoms: bigint;
  paid_atoms: bigint | null;
  bonus_atoms: bigint;
  tax_atoms: bigint;
  currency: string;
  origin: TopUp['origin'];
  url: string | null;
  created_at: Date;
  paid_at: Date | null;
}

function toTopUp(row: TopUpRow): TopUp {
  const money = (atoms: bigint): Money => ({ asset: row.asset, atoms });
  return {
    id: row.id,
    customerId: row.customer_id,
    rail: row.rail,
    state: row.state,
    amount: money(row.atoms),
    paid: row.paid_atoms === null ? null : money(row.paid_atoms),
    bonus: money(row.bonus_atoms),
    tax: money(row.tax_atoms),
    currency: row.currency,
    origin: row.origin,
    url: row.state === 'pending' ? row.url : null,
    createdAt: row.created_at,
    paidAt: row.paid_at,
  };
}
