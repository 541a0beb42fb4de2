import { Injectable } from '@nestjs/common';
import { newId, prefixedId } from '../common/id';
import type { RequestKey } from '../common/idempotency-key';
import type { Money } from '../common/money';
import type { ChainNetwork } from './chain/networks.service';
import { PayoutNetworks } from './wallet/payout-networks.service';
import { newWithdrawal, type Withdrawal } from './wallet/withdrawal';
import { WithdrawalSettlement } from './wallet/withdrawal-settlement.service';
import { type RefundablePayment, RefundablePayments, type RefundSubject } from './refunds/refundable-payments.service';
import type { RefundDestination, UsdcRefund } from './usdc-refund';
import { UsdcRefundBooks } from './refunds/usdc-refund-books.service';
import { UsdcRefundRefusedError } from './refunds/usdc-refund-error';
import { UsdcRefundLimits } from './refunds/usdc-refund-limits.service';
import { UsdcRefundStore } from './usdc-refund-store.service';

/** What an operator asks for. */
export interface UsdcRefundRequest extends RefundSubject {
  readonly to: RefundDestination;
  /** In USDC; left out: all that may go back. */
  readonly amount?: Money | undefined;
  /** Also credit of a USD balance that is used up: its customer owes that then. */
  readonly force?: boolean | undefined;
  readonly reason?: string | undefined;
  /** Where to send what no transfer of its own paid (CAIP-2); left out: on the first network that pays out. */
  readonly network?: string | undefined;
}

/** Gives payments in USDC back: to the wallet's balance, and from there on the chain if that is asked for. */
@Injectable()
export class UsdcRefunds {
  constructor(
    private readonly payments: RefundablePayments,
    private readonly store: UsdcRefundStore,
    private readonly books: UsdcRefundBooks,
    private readonly limits: UsdcRefundLimits,
    private readonly networks: PayoutNetworks,
    private readonly settlement: WithdrawalSettlement,
  ) {}

  /**
   * Durable when this returns. One that goes to the payer may still be on its way: whoever finds it abandoned goes on
   * with it. With a key, a repeat gets the first one, whatever became of it.
   * @throws NotFoundError; UsdcRefundRefusedError; IdempotencyConflictError; BillingError `withdrawals_unavailable`,
   * `payout_float_low`, `chain_unavailable`; InvalidRequestError `network_not_offered`
   */
  async create(request: UsdcRefundRequest, requestKey?: RequestKey): Promise<UsdcRefund> {
    const before = requestKey && (await this.store.madeBy(requestKey));
    if (before) return before;
    const payment = await this.payments.find(request);
    const { to: destination, force: forced = false, reason = null } = request;
    if (payment.source === 'transfer' && destination === 'balance') {
      throw new UsdcRefundRefusedError('already_on_balance');
    }
    const network = destination === 'payer' ? this.networkOf(payment, request.network) : undefined;
    await this.limits.prepare(payment, network?.id);
    const atoms = await this.books.measure(request.amount?.atoms, { payment, forced, destination });
    if (network) await this.networks.assertFloat(network, atoms);
    const withdrawal = network && payoutOf(payment, network, atoms);
    const order = { payment, destination, forced, reason, atoms, withdrawal, requestKey };
    const id = await this.books.open({ ...order, id: prefixedId('urf') });
    const refund = (await this.store.get(id)) as UsdcRefund;
    if (!withdrawal || refund.withdrawalId !== withdrawal.id) return refund;
    await this.settlement.settle(withdrawal);
    return (await this.store.get(id)) as UsdcRefund;
  }

  /** It goes back where it came from: an address may be somebody else's elsewhere. */
  private networkOf(payment: RefundablePayment, asked: string | undefined): ChainNetwork {
    if (payment.network !== null && asked !== undefined && asked !== payment.network) {
      throw new UsdcRefundRefusedError('other_network');
    }
    return this.networks.choose(payment.network ?? asked);
  }
}

/** Its gas is the operator's (`network:fees`): the payer bears no fee. */
const payoutOf = (payment: RefundablePayment, { id: network, config }: ChainNetwork, atoms: bigint): Withdrawal =>
  newWithdrawal({
    id: newId(),
    kind: 'refund',
    customerId: payment.walletId,
    network,
    payTo: config.payTo,
    to: payment.payer,
    atoms,
    feeAtoms: 0n,
  });
