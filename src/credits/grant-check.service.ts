import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { formatMoney, usd } from '../common/money';
import { MOST_LISTED } from '../common/reconciliation-side';
import { NotificationsService } from '../customers/notifications.service';
import { DatabaseService } from '../database/database.service';
import { JobsService } from '../jobs/jobs.service';

/** Credit of which the grants and the books do not say the same. In nano-USD. */
export interface GrantFault {
  readonly customerId: string;
  readonly granted: bigint;
  readonly balance: bigint;
}

/** Asks the books every hour whether each customer's balance is the sum of its grants, and tells the operator if not. */
@Injectable()
export class GrantCheck implements OnModuleInit {
  private readonly logger = new Logger('GrantCheck');

  constructor(
    private readonly database: DatabaseService,
    private readonly notifications: NotificationsService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'check-grants', everySeconds: 3600, run: async () => void (await this.check()) });
  }

  /** One statement, and so one moment: what is in flight cannot look like a fault. At most `MOST_LISTED` of them. */
  async check(): Promise<GrantFault[]> {
    const rows = await this.database.query<{ customer_id: string; granted: bigint; balance: bigint }>(FAULTS);
    for (const { customer_id: id, granted, balance } of rows) {
      this.logger.error(`ALERT the grants of ${id} are worth ${granted} nano-USD and its balance is ${balance}.`);
      await this.notifications.add(this.database, {
        customerId: null,
        kind: 'grants_differ',
        key: `grants-differ:${id}:${granted - balance}`,
        data: { customerId: id, granted: formatMoney(usd(granted)), balance: formatMoney(usd(balance)) },
      });
    }
    return rows.map(({ customer_id: customerId, granted, balance }) => ({ customerId, granted, balance }));
  }

  /** Of all customers that have grants, in nano-USD: what those are worth, and their balances. */
  async totals(): Promise<{ customers: number; granted: bigint; balance: bigint }> {
    const [row] = await this.database.query<{ customers: bigint; granted: string; balance: string }>(TOTALS);
    const { customers = 0n, granted = '0', balance = '0' } = row ?? {};
    return { customers: Number(customers), granted: BigInt(granted), balance: BigInt(balance) };
  }
}

/** What is left of grants, without what was used since the checkpoint and what none of them could bear. */
const WORTH = `
    FROM credit_positions
    RIGHT JOIN (SELECT account_id, sum(remaining_atoms) AS remaining FROM credit_grants GROUP BY 1) AS g USING (account_id)
    JOIN ledger_accounts account ON account.id = account_id,
         LATERAL (SELECT (remaining - coalesce(uncovered_atoms, 0) - debits_posted + coalesce(debits_seen, 0))::bigint) AS w(granted)`;

const FAULTS = `
  SELECT account.customer_id, granted, credits_posted - debits_posted AS balance ${WORTH}
   WHERE granted <> credits_posted - debits_posted ORDER BY 1 LIMIT ${MOST_LISTED}`;

const TOTALS = `
  SELECT count(*) AS customers, coalesce(sum(granted), 0)::text AS granted,
         coalesce(sum(credits_posted - debits_posted), 0)::text AS balance ${WORTH}`;
