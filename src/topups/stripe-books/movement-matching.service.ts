import { Injectable, Logger } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import { bank, stripeClearing, stripeFees, stripeReserve } from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { ownMovement } from '../../ledger/payout-entries';
import { StripeMovements } from '../stripe-movements.service';
import { StripeSources } from '../stripe-sources.service';
import type { StripeTransaction } from '../stripe-transaction';
import { centsToUsd } from '../topup';
import { ownKindOf } from './movement-kind';
import { isStripeAway } from './stripe-away';
import { type Span, StripeBooksClient } from './stripe-books.client';

/** So many open movements are read at a time. */
const AT_ONCE = 500;

/**
 * Brings every movement of Stripe's balance here, and finds the entry that explains it: what no webhook told of is
 * asked for by its source, what Stripe does by itself has an entry of its own. What is explained by nothing stays open.
 */
@Injectable()
export class MovementMatching {
  private readonly logger = new Logger('StripeBooks');

  constructor(
    private readonly database: DatabaseService,
    private readonly client: StripeBooksClient,
    private readonly movements: StripeMovements,
    private readonly sources: StripeSources,
    private readonly accounts: LedgerAccountsService,
  ) {}

  /**
   * Writes down every movement in a span that is not here yet, page by page: whoever goes on after an interruption
   * finds what was written. @returns how many there are, and how many of them are new
   * @throws CardProcessorError
   */
  async collect(span: Span, tell: (progress: string) => void): Promise<{ listed: number; fresh: number }> {
    let [listed, fresh] = [0, 0];
    for await (const page of this.client.transactions(span)) {
      fresh += await this.writeDown(page);
      listed += page.length;
      tell(`${listed} balance transactions, ${fresh} of them new`);
    }
    return { listed, fresh };
  }

  /** Every movement since `from`, in Stripe's order and the oldest first; written down, too. @throws CardProcessorError */
  async recent(from: Date): Promise<StripeTransaction[]> {
    const newest: StripeTransaction[] = [];
    for await (const page of this.client.transactions({ from })) {
      await this.writeDown(page);
      newest.push(...page);
    }
    return newest.toReversed();
  }

  /** Tries to explain all that is open. @throws CardProcessorError */
  async explain(): Promise<void> {
    await this.accounts.idsOf([stripeClearing(), stripeFees(), stripeReserve(), bank()]);
    for (let after: StripeTransaction | undefined, page = await this.open(after); page.length > 0;) {
      for (const movement of page) await this.tryToExplain(movement);
      after = page.at(-1);
      page = await this.open(after);
    }
  }

  private async tryToExplain(movement: StripeTransaction): Promise<void> {
    try {
      await this.explainOne(movement);
    } catch (error) {
      if (isStripeAway(error)) throw error;
      this.logger.error(`ALERT ${movement.id} (${movement.type}) cannot be booked: ${String(error)}`);
    }
    await this.database.query(ASKED, [movement.id]);
  }

  private async explainOne({ type, ...movement }: StripeTransaction): Promise<void> {
    const kind = movement.currency === 'usd' ? ownKindOf(type) : undefined;
    if (kind) {
      const [moved, fee] = [centsToUsd(movement.amount), centsToUsd(movement.fee)];
      const entry = ownMovement(kind, { transactionId: movement.id, moved, fee });
      await this.database.transaction((tx) => this.movements.book(tx, { ...movement, type }, entry));
    } else if (movement.sourceId !== null) {
      const effect = await this.sources.converge(movement.sourceId);
      if (effect) await this.database.transaction(effect);
    }
  }

  private async writeDown(page: readonly StripeTransaction[]): Promise<number> {
    const unknown = await this.unknownOf(page);
    await this.database.transaction((tx) => this.movements.seeAll(tx, unknown));
    return unknown.length;
  }

  private async unknownOf(page: readonly StripeTransaction[]): Promise<StripeTransaction[]> {
    const ids = page.map(({ id }) => id);
    const rows = await this.database.query<{ id: string }>('SELECT id FROM stripe_transactions WHERE id = ANY ($1)', [
      ids,
    ]);
    const known = new Set(rows.map(({ id }) => id));
    return page.filter(({ id }) => !known.has(id));
  }

  /** A payment before what became of it: the oldest first. What is old, or settles elsewhere, is asked for once a day. */
  private async open(after: StripeTransaction | undefined): Promise<StripeTransaction[]> {
    const rows = await this.database.query<OpenRow>(OPEN, [after?.createdAt ?? null, after?.id ?? null, AT_ONCE]);
    return rows.map(toMovement);
  }
}

const OPEN = `
  SELECT * FROM stripe_transactions
   WHERE state = 'open' AND ($1::timestamptz IS NULL OR (created_at, id) > ($1::timestamptz, $2::text))
     AND (asked_at IS NULL OR asked_at < now() - interval '1 day'
          OR created_at > now() - interval '1 day' AND currency = 'usd')
   ORDER BY created_at, id LIMIT $3`;

const ASKED = `UPDATE stripe_transactions SET asked_at = now() WHERE id = $1 AND state = 'open'`;

interface OpenRow {
  id: string;
  type: string;
  reporting_category: string;
  source_id: string | null;
  payment_intent_id: string | null;
  currency: string;
  amount_minor: bigint;
  fee_minor: bigint;
  net_minor: bigint;
  created_at: Date;
  available_at: Date;
}

const toMovement = (row: OpenRow): StripeTransaction => ({
  id: row.id,
  type: row.type,
  reportingCategory: row.reporting_category,
  sourceId: row.source_id,
  paymentIntentId: row.payment_intent_id,
  currency: row.currency,
  amount: Number(row.amount_minor),
  fee: Number(row.fee_minor),
  net: Number(row.net_minor),
  createdAt: row.created_at,
  availableAt: row.available_at,
});
