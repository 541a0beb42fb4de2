import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { DatabaseService } from '../database/database.service';
import { JobsService } from '../jobs/jobs.service';
import { LedgerService } from './ledger.service';

const BATCH = 500;

/** Returns what is held for calls whose process died: exactly once, however many sweepers there are. */
@Injectable()
export class HoldSweeper implements OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger('HoldSweeper');

  constructor(
    private readonly database: DatabaseService,
    private readonly ledger: LedgerService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'expire-holds', everySeconds: 5, run: async () => void (await this.sweep()) });
    this.jobs.register({
      name: 'make-partitions',
      everySeconds: 6 * 3600,
      run: () => this.makePartitions(),
    });
  }

  /** At every start as well: a process that never lives for six hours must not run out of months. */
  async onApplicationBootstrap(): Promise<void> {
    await this.makePartitions().catch((error: unknown) =>
      this.logger.warn(`no partitions were made: ${String(error)}`),
    );
  }

  private async makePartitions(): Promise<void> {
    await this.database.query('SELECT ensure_partitions(2)');
  }

  /** Expires every open hold whose time has passed. Returns how many this sweep returned. */
  async sweep(): Promise<number> {
    let returned = 0;
    for (;;) {
      const overdue = await this.database.query<OverdueHold>(
        `SELECT holds.id, holds.atoms, holds.counters, code, asset, account.customer_id FROM holds
           JOIN ledger_accounts account ON account.id = holds.account_id
          WHERE state = 'open' AND expires_at < now() ORDER BY expires_at LIMIT $1`,
        [BATCH],
      );
      const verdicts = await Promise.all(overdue.map((hold) => this.expire(hold)));
      returned += verdicts.filter(({ verdict }) => verdict === 'released').length;
      if (overdue.length < BATCH) return returned;
    }
  }

  private expire(hold: OverdueHold) {
    const account = { code: hold.code, asset: hold.asset, customerId: hold.customer_id, guarded: true };
    const amount = { asset: hold.asset, atoms: hold.atoms };
    const reference = { id: hold.id, account, amount, counters: hold.counters?.split(',') };
    return this.ledger.release(reference, undefined, 'expire');
  }
}

interface OverdueHold {
  id: string;
  atoms: bigint;
  code: string;
  asset: AssetCode;
  customer_id: string | null;
  counters: string | null;
}
