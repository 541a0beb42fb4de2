import { Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import type { Money } from '../common/money';
import { isOutage } from '../common/outage';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { LedgerUnavailableError } from './ledger-error';
import type { LedgerAccount } from './ledger-account';

const MAX_KNOWN = 100_000;

/**
 * What is in an account: `posted` is credits minus debits, `available` is what is not held of it. Both may be below zero
 * by as much as `creditLimit`, which is zero for whoever pays in advance.
 */
export interface Balance {
  readonly posted: Money;
  readonly held: Money;
  readonly available: Money;
  readonly creditLimit: Money;
  readonly frozen: boolean;
}

/** Rows of `ledger_accounts`: their ids (which never change, so they are remembered) and balances (never remembered). */
@Injectable()
export class LedgerAccountsService {
  private readonly ids = new Map<string, string>();

  constructor(private readonly database: DatabaseService) {}

  /** The account's id; the row is made when it is first named. A known id is there at once: the hot path waits for none. */
  idOf(account: LedgerAccount): string | Promise<string> {
    const name = `${account.asset} ${account.code}`;
    return this.ids.get(name) ?? this.learn(name, account);
  }

  /** A balance of zero for an account that nobody has named yet. With `tx`, as that transaction sees it. */
  async balance(account: LedgerAccount, tx: Tx = this.database): Promise<Balance> {
    const [row] = await tx.query<BalanceRow>(
      `SELECT asset, credits_posted - debits_posted AS posted, held, credit_limit, frozen
         FROM ledger_accounts WHERE code = $1 AND asset = $2`,
      [account.code, account.asset],
    );
    return toBalance(row ?? { asset: account.asset, posted: 0n, held: 0n, credit_limit: 0n, frozen: false });
  }

  /** Every account, or those of one customer, by code. */
  async list(customerId?: string): Promise<(Balance & { code: string })[]> {
    const rows = await this.database.query<BalanceRow & { code: string }>(
      `SELECT code, asset, credits_posted - debits_posted AS posted, held, credit_limit, frozen FROM ledger_accounts
        WHERE $1::text IS NULL OR customer_id = $1 ORDER BY code, asset LIMIT 10000`,
      [customerId ?? null],
    );
    return rows.map((row) => ({ code: row.code, ...toBalance(row) }));
  }

  /** Lets a customer spend again, once what it owed is repaid. */
  async unfreeze(tx: Tx, account: LedgerAccount): Promise<void> {
    await tx.query('UPDATE ledger_accounts SET frozen = false WHERE code = $1 AND asset = $2', [
      account.code,
      account.asset,
    ]);
  }

  async idsOf(accounts: readonly LedgerAccount[]): Promise<string[]> {
    const ids: string[] = [];
    for (const account of accounts) {
      const id = this.idOf(account);
      ids.push(typeof id === 'string' ? id : await id);
    }
    return ids;
  }

  private async learn(name: string, account: LedgerAccount): Promise<string> {
    const id = await this.findOrMake(account).catch((error: unknown) => {
      throw isOutage(error) ? new LedgerUnavailableError(error) : error;
    });
    if (this.ids.size >= MAX_KNOWN) this.ids.clear();
    this.ids.set(name, id);
    return id;
  }

  private async findOrMake(account: LedgerAccount): Promise<string> {
    const key = [account.code, account.asset];
    const find = () =>
      this.database.query<{ id: bigint }>('SELECT id FROM ledger_accounts WHERE code = $1 AND asset = $2', key);
    let [row] = await find();
    if (!row) {
      await this.database.query(
        `INSERT INTO ledger_accounts (code, asset, customer_id, guarded) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
        [...key, account.customerId, account.guarded],
      );
      [row] = await find();
    }
    if (!row) throw new Error(`ledger account ${account.code} could not be made`);
    return row.id.toString();
  }
}

interface BalanceRow {
  asset: AssetCode;
  posted: bigint;
  held: bigint;
  credit_limit: bigint;
  frozen: boolean;
}

function toBalance({ asset, posted, held, credit_limit: limit, frozen }: BalanceRow): Balance {
  const money = (atoms: bigint): Money => ({ asset, atoms });
  return {
    posted: money(posted),
    held: money(held),
    available: money(posted - held),
    creditLimit: money(limit),
    frozen,
  };
}
