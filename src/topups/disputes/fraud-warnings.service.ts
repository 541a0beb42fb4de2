import { Injectable } from '@nestjs/common';
import { NotificationsService } from '../../customers/notifications.service';
import type { Tx } from '../../database/tx';
import { Reversals } from '../reversals/reversals.service';
import { ReversiblePayments } from '../reversals/reversible-payments.service';
import { DisputeStore } from './dispute-store.service';
import type { FraudWarningAtStripe } from './disputes.client';

/**
 * A payment is probably fraud: what is left of it waits until the operator refunds it, or a dispute is decided.
 */
@Injectable()
export class FraudWarnings {
  constructor(
    private readonly payments: ReversiblePayments,
    private readonly reversals: Reversals,
    private readonly store: DisputeStore,
    private readonly notifications: NotificationsService,
  ) {}

  /** In the caller's transaction, once the payment is on the books. */
  async converge(tx: Tx, warning: FraudWarningAtStripe): Promise<string> {
    const payment = await this.payments.lock(tx, warning.paymentIntentId);
    if (!(await this.store.seeWarning(tx, payment, warning))) return 'unchanged';
    if (await this.payments.isDoubted(tx, payment.paymentIntentId)) await this.reversals.freeze(tx, payment);
    else await this.reversals.thaw(tx, payment);
    const { id, paymentIntentId, fraudType } = warning;
    await this.notifications.add(tx, {
      customerId: null,
      kind: 'early_fraud_warning',
      key: `fraud-warning:${id}`,
      data: { warning: id, paymentIntent: paymentIntentId, topUp: payment.topUpId, fraudType },
    });
    return 'fraud_warning';
  }
}
