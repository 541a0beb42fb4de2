import { Injectable, type OnModuleInit } from '@nestjs/common';
import { formatMoney } from '../common/money';
import { NotificationsService } from '../customers/notifications.service';
import { DatabaseService } from '../database/database.service';
import { JobsService } from '../jobs/jobs.service';
import { GrantHistory } from './grant-history.service';

const DAYS_BEFORE = 7;
const BATCH = 200;

/** Tells customers that credit of theirs ends within a week, once for each grant and end. */
@Injectable()
export class EndingCredit implements OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    private readonly history: GrantHistory,
    private readonly notifications: NotificationsService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'tell-ending-credit', everySeconds: 3600, run: async () => void (await this.tell()) });
  }

  /** Returns how many grants were told of. */
  async tell(): Promise<number> {
    let told = 0;
    let after = '';
    for (;;) {
      const ending = await this.database.query<EndingRow>(ENDING, [DAYS_BEFORE, BATCH, after]);
      for (const { id, customer_id: customerId, key } of ending) {
        // What calls have used since the last checkpoint is off it already.
        const { left, class: grantClass, expiresAt } = await this.history.one(customerId, id);
        if (left.atoms <= 0n) continue;
        await this.notifications.add(this.database, {
          ...{ customerId, kind: 'credit_ends_soon', key },
          data: { grantId: id, class: grantClass, left: formatMoney(left), currency: 'USD', endsAt: expiresAt },
        });
        told++;
      }
      if (ending.length < BATCH) return told;
      after = ending.at(-1)?.id ?? after;
    }
  }
}

/** $1 days, $2 rows, $3 those behind this id. */
const ENDING = `
  SELECT id, customer_id, key
    FROM credit_grants, LATERAL (SELECT format('credit-ends:%s:%s', id, extract(epoch FROM expires_at)) AS key) k
   WHERE remaining_atoms > 0 AND expires_at > now() AND expires_at <= now() + make_interval(days => $1) AND id > $3
     AND NOT EXISTS (SELECT FROM notifications n WHERE n.key = k.key)
   ORDER BY id LIMIT $2`;

interface EndingRow {
  readonly id: string;
  readonly customer_id: string;
  readonly key: string;
}
