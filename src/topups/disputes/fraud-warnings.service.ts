import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { NotificationsService } from '../../customers/notifications.service';
import type { Tx } from '../../database/tx';
import type { StripeEffect } from '../stripe-events.service';
import { RefundsService, type UnusedRefund } from '../refunds/refunds.service';
import { Reversals } from '../reversals/reversals.service';
import { ReversiblePayments } from '../reversals/reversible-payments.service';
import { FraudWarningStore } from './fraud-warning-store.service';
import type { FraudWarningAtStripe } from './disputes.client';

/**
 * A payment is probably fraud: what is left of it waits until the operator refunds it or dismisses the warning, or a
 * dispute is decided. `FRAUD_WARNING_ACTION` may say to do less, or more.
 */
@Injectable()
export class FraudWarnings {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly payments: ReversiblePayments,
    private readonly reversals: Reversals,
    private readonly refunds: RefundsService,
    private readonly store: FraudWarningStore,
    private readonly notifications: NotificationsService,
  ) {}

  /** What is left to be written, once the payment is on the books. @throws CardProcessorError */
  async effectOf(warning: FraudWarningAtStripe): Promise<StripeEffect> {
    const isRefunded = warning.actionable && this.config.topUps.fraudWarningAction === 'refund';
    const refund = isRefunded ? await this.refunds.unusedOf(warning.paymentIntentId) : undefined;
    return (tx) => this.converge(tx, warning, refund);
  }

  private async converge(tx: Tx, warning: FraudWarningAtStripe, refund: UnusedRefund | undefined): Promise<string> {
    const { id, paymentIntentId, fraudType } = warning;
    const { fraudWarningAction: action } = this.config.topUps;
    const payment = await this.payments.lock(tx, paymentIntentId);
    if (!(await this.store.see(tx, payment, warning, action))) return 'unchanged';
    const refundId = await refund?.(tx, payment, `early fraud warning ${id}`);
    await this.reversals.freezeOrThaw(tx, paymentIntentId);
    const about = { warning: id, paymentIntent: paymentIntentId, topUp: payment.topUpId, fraudType };
    await this.notifications.add(tx, {
      customerId: null,
      kind: 'early_fraud_warning',
      key: `fraud-warning:${id}`,
      data: { ...about, action, ...(refundId !== undefined && { refund: refundId }) },
    });
    return 'fraud_warning';
  }
}
