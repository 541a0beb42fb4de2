import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Money, usd } from '../common/money';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import type { JobWrites } from '../jobs/job';
import { JobsService } from '../jobs/jobs.service';
import { customerCredits } from '../ledger/ledger-account';

const BALANCE_CROSSED = 'balance-crossed';

/** Who wants to know that a balance has fallen below a threshold. What calls hold is not taken off the balance. */
export interface BalanceListener {
  /** Who has any. */
  customers(tx: Tx): Promise<readonly string[]>;
  /** Those of one customer, in USD. */
  thresholds(tx: Tx, customerId: string): Promise<readonly Money[]>;
  /** The balance is below some threshold that was watched, perhaps not one of this listener's. */
  crossed(tx: Tx, customerId: string, balance: Money): Promise<unknown>;
  /** Credit may have come: the balance is at least at some thresholds that it was below before. */
  rose?(tx: Tx, customerId: string, balance: Money): Promise<unknown>;
}

/**
 * Tells when a customer's USD credit falls below what somebody watches. The ledger's own functions notice it: they
 * compare the balance with `watch_below`, and make the job in the transaction of the capture that crossed it. Then
 * nothing is watched, until the job has told everybody, or until credit arrives.
 */
@Injectable()
export class BalanceWatch implements OnModuleInit {
  private readonly listeners: BalanceListener[] = [];

  constructor(
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.handle<{ accountId: string }>({
      name: BALANCE_CROSSED,
      run: async ({ payload }) => this.tell(payload.accountId),
    });
  }

  /** Called in `onModuleInit`. */
  listen(listener: BalanceListener): void {
    this.listeners.push(listener);
  }

  /**
   * From now on the next threshold below the balance is watched. For whoever brings credit, or changes a threshold;
   * locks the account until `tx` ends.
   */
  async arm(tx: Tx, customerId: string): Promise<void> {
    const account = await this.lock(tx, customerId);
    if (!account) return;
    for (const listener of this.listeners) await listener.rose?.(tx, customerId, usd(account.posted));
    const thresholds = await this.thresholdsUpTo(tx, customerId, account.posted);
    const next = thresholds.reduce<bigint | null>(
      (most, atoms) => (most === null || atoms > most ? atoms : most),
      null,
    );
    await tx.query('UPDATE ledger_accounts SET watch_below = $2 WHERE id = $1 AND watch_below IS DISTINCT FROM $2', [
      account.id,
      next,
    ]);
  }

  /**
   * Customers whose balance is at least at a threshold, and nobody would notice it falling below: what watched it was
   * told of, and never watched again. None, unless a job has died. `lowest` of their thresholds, in nano-USD.
   */
  async lost(): Promise<{ customerId: string; lowest: bigint }[]> {
    const customers = new Set<string>();
    for (const listener of this.listeners) {
      for (const id of await listener.customers(this.database)) customers.add(id);
    }
    const unwatched = await this.database.query<{ customer_id: string; posted: bigint }>(UNWATCHED, [[...customers]]);
    const lost: { customerId: string; lowest: bigint }[] = [];
    for (const { customer_id: customerId, posted } of unwatched) {
      const thresholds = await this.thresholdsUpTo(this.database, customerId, posted);
      const lowest = thresholds.toSorted((a, b) => (a < b ? -1 : 1))[0];
      if (lowest !== undefined) lost.push({ customerId, lowest });
    }
    return lost;
  }

  private async thresholdsUpTo(tx: Tx, customerId: string, posted: bigint): Promise<bigint[]> {
    const thresholds: bigint[] = [];
    for (const listener of this.listeners) {
      for (const { atoms } of await listener.thresholds(tx, customerId)) if (atoms <= posted) thresholds.push(atoms);
    }
    return thresholds;
  }

  private async tell(accountId: string): Promise<JobWrites | void> {
    const [row] = await this.database.query<{ customer_id: string | null }>(
      'SELECT customer_id FROM ledger_accounts WHERE id = $1',
      [accountId],
    );
    const customerId = row?.customer_id;
    if (!customerId) return undefined;
    return async (tx) => {
      // Nothing moves between what is told and what is watched next.
      const account = await this.lock(tx, customerId);
      for (const listener of this.listeners) await listener.crossed(tx, customerId, usd(account?.posted ?? 0n));
      await this.arm(tx, customerId);
    };
  }

  /**
   * Locks the balance that is watched until `tx` ends. Whoever changes what is done when it is crossed does this first:
   * the job that tells of a crossing has it before it looks at anything else.
   */
  async lock(tx: Tx, customerId: string): Promise<{ id: bigint; posted: bigint } | undefined> {
    const [account] = await tx.query<{ id: bigint; posted: bigint }>(
      `SELECT id, credits_posted - debits_posted AS posted FROM ledger_accounts
        WHERE code = $1 AND asset = 'USD' FOR NO KEY UPDATE`,
      [customerCredits(customerId, 'USD').code],
    );
    return account;
  }
}

/** Nothing is watched of them, and nobody is about to tell of what was. */
const UNWATCHED = `
  SELECT customer_id, credits_posted - debits_posted AS posted FROM ledger_accounts a
   WHERE customer_id = ANY ($1::text[]) AND code = 'customer:' || customer_id || ':credits' AND asset = 'USD'
     AND watch_below IS NULL
     AND NOT EXISTS (SELECT FROM jobs WHERE name = '${BALANCE_CROSSED}' AND finished_at IS NULL
                        AND payload ->> 'accountId' = a.id::text)
   ORDER BY customer_id`;
