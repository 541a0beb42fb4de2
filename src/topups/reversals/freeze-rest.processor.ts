import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import { JobsService } from '../../jobs/jobs.service';
import { FREEZE_REST, type FreezeRestPayload } from './freeze-rest-job';
import { Reversals } from './reversals.service';
import { ReversiblePayments } from './reversible-payments.service';

/** Puts aside what calls in flight had when a payment was first doubted, as long as it is. */
@Injectable()
export class FreezeRest implements OnModuleInit {
  constructor(
    private readonly jobs: JobsService,
    private readonly database: DatabaseService,
    private readonly payments: ReversiblePayments,
    private readonly reversals: Reversals,
  ) {}

  onModuleInit(): void {
    this.jobs.handle<FreezeRestPayload>({
      name: FREEZE_REST,
      run: async ({ payload: { paymentIntentId } }) => {
        await this.payments.prepare(this.database, paymentIntentId);
        return (tx) => this.reversals.freezeOrThaw(tx, paymentIntentId);
      },
    });
  }
}
