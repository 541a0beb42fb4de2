import { Injectable, type OnModuleInit } from '@nestjs/common';
import { formatMoney } from '../../common/money';
import { NotificationsService } from '../../customers/notifications.service';
import type { Tx } from '../../database/tx';
import type { Withdrawal } from '../wallet/withdrawal';
import { WithdrawalBooks } from '../wallet/withdrawal-books.service';
import { nextUsdcRefundState, type UsdcRefundNews } from '../usdc-refund';
import { UsdcRefundStore } from '../usdc-refund-store.service';

/** A refund ends when what carries it does, in the same transaction. */
@Injectable()
export class UsdcRefundEnds implements OnModuleInit {
  constructor(
    private readonly withdrawals: WithdrawalBooks,
    private readonly store: UsdcRefundStore,
    private readonly notifications: NotificationsService,
  ) {}

  onModuleInit(): void {
    this.withdrawals.whenEnded((tx, withdrawal, news) => this.end(tx, withdrawal, news));
  }

  private async end(tx: Tx, { id: withdrawalId, kind, to, network }: Withdrawal, news: UsdcRefundNews): Promise<void> {
    if (kind !== 'refund') return;
    const refund = await this.store.carriedBy(tx, withdrawalId);
    const state = refund && nextUsdcRefundState(refund.state, news);
    if (!refund || state === undefined) return;
    await this.store.finish(tx, refund.id, state);
    if (state !== 'returned') return;
    // Such as an address that the token has blocked: it is the wallet's balance now.
    const { id, amount, callId, paymentId } = refund;
    await this.notifications.add(tx, {
      customerId: null,
      kind: 'usdc_refund_returned',
      key: `usdc-refund-returned:${id}`,
      data: { refund: id, amount: formatMoney(amount), payer: to, network, call: callId, payment: paymentId },
    });
  }
}
