import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import { JobsService } from '../jobs/jobs.service';
import { customerCredits } from '../ledger/ledger-account';
import { CreditPools } from './credit-pools.service';

const BATCH = 200;

/**
 * Books credit that has expired. Nobody waits for the schedule: whoever looks at a customer's credit, or holds some of
 * it, books first what has expired until then. It is there so that revenue and reports of idle customers are not late.
 */
@Injectable()
export class GrantExpiry implements OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    private readonly pools: CreditPools,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'expire-grants', everySeconds: 3600, run: async () => void (await this.settleAll()) });
  }

  /** Books what of this customer's credit has expired, if any has. Safe to repeat. */
  async settle(customerId: string): Promise<void> {
    const due = await this.database.query<{ code: string }>(
      'SELECT code FROM ledger_accounts WHERE customer_id = $1 AND next_expiry <= clock_timestamp()',
      [customerId],
    );
    if (due.length === 0) return;
    const accounts = due.map(({ code }) => ({ ...customerCredits(customerId, 'USD'), code }));
    await this.pools.prepare(customerId, accounts);
    for (const account of accounts) {
      await this.database.transaction((tx) => this.pools.openAt(tx, account));
    }
  }

  /** The same for everybody. Returns for how many customers. */
  async settleAll(): Promise<number> {
    let settled = 0;
    for (;;) {
      const due = await this.database.query<{ customer_id: string }>(
        'SELECT customer_id FROM ledger_accounts WHERE next_expiry <= clock_timestamp() ORDER BY next_expiry LIMIT $1',
        [BATCH],
      );
      for (const { customer_id: customerId } of due) await this.settle(customerId);
      settled += due.length;
      if (due.length < BATCH) return settled;
    }
  }
}
