import { Injectable } from '@nestjs/common';
import type { RequestKey } from '../../common/idempotency-key';
import { usdc, usdcToUsdAtPar } from '../../common/money';
import { GrantsService } from '../../credits/grants.service';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { ReceivablesService } from '../../ledger/receivables.service';
import { callRefunded, usdcTopUpRefunded } from '../../ledger/usdc-refund-entries';
import type { Withdrawal } from '../wallet/withdrawal';
import { WithdrawalBooks } from '../wallet/withdrawal-books.service';
import type { RefundablePayment } from './refundable-payments.service';
import { firstState, type RefundDestination } from '../usdc-refund';
import { UsdcRefundRefusedError } from './usdc-refund-error';
import { UsdcRefundLimits } from './usdc-refund-limits.service';
import { UsdcRefundStore } from '../usdc-refund-store.service';

/** A refund that is to be written. */
export interface UsdcRefundOrder {
  readonly id: string;
  readonly payment: RefundablePayment;
  readonly destination: RefundDestination;
  readonly forced: boolean;
  readonly reason: string | null;
  /** In micro-USDC. */
  readonly atoms: bigint;
  /** What carries it to its payer. */
  readonly withdrawal: Withdrawal | undefined;
  readonly requestKey: RequestKey | undefined;
}

/** A refund's row, its entries, and what carries it to the chain, always in one transaction. */
@Injectable()
export class UsdcRefundBooks {
  constructor(
    private readonly database: DatabaseService,
    private readonly receivables: ReceivablesService,
    private readonly grants: GrantsService,
    private readonly withdrawals: WithdrawalBooks,
    private readonly limits: UsdcRefundLimits,
    private readonly store: UsdcRefundStore,
  ) {}

  /**
   * How much goes back by what is asked, in micro-USDC, as things are at this moment; after `limits.prepare`.
   * @param asked Left out: all that may.
   * @throws UsdcRefundRefusedError
   */
  measure(asked: bigint | undefined, order: Pick<UsdcRefundOrder, 'payment' | 'forced' | 'destination'>) {
    return this.database.transaction(async (tx) => {
      await this.limits.lock(tx, order.payment, undefined);
      return this.allowed(tx, asked, order);
    });
  }

  /**
   * Writes it, after `limits.prepare`.
   * @returns its id, or that of the refund which the same request made before
   * @throws UsdcRefundRefusedError, IdempotencyConflictError
   */
  open(order: UsdcRefundOrder): Promise<string> {
    const { id, payment, withdrawal, destination, requestKey } = order;
    return this.database.transaction(async (tx) => {
      await this.limits.lock(tx, payment, withdrawal?.network);
      const before = requestKey && (await this.store.madeBy(requestKey, tx));
      if (before) return before.id;
      // It was there when the refund was asked for: a reorganisation may have taken it since.
      if (await this.store.isGone(tx, payment)) throw new UsdcRefundRefusedError('payment_not_settled');
      await this.allowed(tx, order.atoms, order);
      const owed = await this.credit(tx, order);
      if (withdrawal) await this.withdrawals.openIn(tx, withdrawal);
      const state = firstState(destination);
      await this.store.insert(tx, { ...order, owed, state, withdrawalId: withdrawal?.id ?? null });
      return id;
    });
  }

  private async allowed(
    tx: Tx,
    asked: bigint | undefined,
    { payment, forced, destination }: Pick<UsdcRefundOrder, 'payment' | 'forced' | 'destination'>,
  ): Promise<bigint> {
    if (destination === 'payer' && (await this.limits.owes(tx, payment))) {
      throw new UsdcRefundRefusedError('payment_owed');
    }
    const most = await this.limits.most(tx, payment, forced);
    const atoms = asked ?? most;
    if (most <= 0n || atoms <= 0n) throw new UsdcRefundRefusedError('nothing_to_refund');
    if (atoms <= most) return atoms;
    const isOfAll = payment.source === 'call' || forced;
    throw new UsdcRefundRefusedError(isOfAll ? 'refund_exceeds_payment' : 'refund_exceeds_unused', most);
  }

  /** Brings it to the wallet's balance, unless it is there. Returns what a customer owes for it, in nano-USD. */
  private async credit(tx: Tx, { id: refundId, payment, atoms, forced }: UsdcRefundOrder): Promise<bigint> {
    const { walletId, callId, paymentId, toppedUp } = payment;
    const amount = usdc(atoms);
    if (callId !== null) {
      const entry = callRefunded({ refundId, callId, walletId, amount });
      await this.receivables.postCredit(tx, entry, walletId, 'USDC');
      return 0n;
    }
    if (!toppedUp) return 0n;
    const { customerId, grantId } = toppedUp;
    const of = { refundId, paymentId: paymentId as string, walletId, customerId, amount, forced };
    const taking = { grantIds: [grantId], amount: usdcToUsdAtPar(amount), force: forced };
    const taken = await this.grants.take(tx, usdcTopUpRefunded(of), taking);
    if (taken.kind !== 'taken') throw new Error(`${refundId} lacks what was there: ${taken.kind}`);
    return taken.owed.atoms;
  }
}
