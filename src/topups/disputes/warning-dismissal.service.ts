import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../../common/billing-error';
import { DatabaseService } from '../../database/database.service';
import { Reversals } from '../reversals/reversals.service';
import { ReversiblePayments } from '../reversals/reversible-payments.service';
import type { FraudWarning } from './fraud-warning';
import { FraudWarningStore } from './fraud-warning-store.service';

/** The operator's judgement that a warning of fraud is wrong. */
@Injectable()
export class WarningDismissal {
  constructor(
    private readonly database: DatabaseService,
    private readonly payments: ReversiblePayments,
    private readonly reversals: Reversals,
    private readonly store: FraudWarningStore,
  ) {}

  /** What is left of the payment may be used again. Safe to repeat. @throws NotFoundError `fraud_warning_not_found` */
  async dismiss(id: string): Promise<FraudWarning> {
    const warning = await this.store.get(id);
    if (!warning) throw new NotFoundError({ what: 'fraud warning', id });
    const { paymentIntentId } = warning;
    await this.payments.prepare(this.database, paymentIntentId);
    await this.database.transaction(async (tx) => {
      await this.payments.lock(tx, paymentIntentId);
      await this.store.dismiss(tx, id);
      await this.reversals.freezeOrThaw(tx, paymentIntentId);
    });
    return { ...warning, action: 'notify' };
  }
}
