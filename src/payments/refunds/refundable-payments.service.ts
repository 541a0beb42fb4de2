import { Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import { NotFoundError } from '../../common/billing-error';
import { instantOf } from '../../common/id';
import { DatabaseService } from '../../database/database.service';
import type { ClaimState } from '../claim';
import type { RefundSource } from '../usdc-refund';
import { UsdcRefundRefusedError } from './usdc-refund-error';

/** What was paid, and may go back. */
export interface RefundablePayment {
  readonly source: RefundSource;
  readonly callId: string | null;
  readonly paymentId: string | null;
  readonly walletId: string;
  readonly payer: Hex;
  /** Where it was paid; `null` for a call that a wallet's balance paid. */
  readonly network: string | null;
  /** In micro-USDC: the charge of a call, or what a transfer brought. */
  readonly atoms: bigint;
  /** What the transfer behind it brought in all; `null` where it has none of its own. */
  readonly transferred: bigint | null;
  /** Whose USD balance it went to, and the grant that is left of it. */
  readonly toppedUp: { readonly customerId: string; readonly grantId: string } | null;
}

/** One of these. */
export interface RefundSubject {
  /** The id of a call. */
  readonly callId?: string | undefined;
  /** The id of a top-up in USDC, as its answer gave it. */
  readonly topUpId?: string | undefined;
  /** The payment behind either, as the usage export has it. */
  readonly paymentId?: string | undefined;
}

/** Finds what was paid in USDC. */
@Injectable()
export class RefundablePayments {
  constructor(private readonly database: DatabaseService) {}

  /** @throws NotFoundError; UsdcRefundRefusedError `not_paid_in_usdc`, `payment_not_settled` */
  async find({ callId, topUpId, paymentId }: RefundSubject): Promise<RefundablePayment> {
    if (callId !== undefined) return this.ofCall(callId);
    return this.ofTransfer(paymentId ?? (await this.claimOfTopUp(topUpId ?? '')));
  }

  private async ofCall(callId: string): Promise<RefundablePayment> {
    const [call] = await this.database.query<CallRow>(
      `SELECT atoms, asset, payment_id, network, customer_id, wallet_address FROM usage_records
         LEFT JOIN customers ON customers.id = customer_id
        WHERE occurred_at = $1 AND usage_records.id = $2 AND invoice_id IS NOT NULL`,
      [instantOf(callId), callId],
    );
    if (!call) throw new NotFoundError({ what: 'call', id: callId, hint: 'Its id is in the header x-request-id.' });
    const { customer_id: walletId, wallet_address: payer, payment_id: paymentId, network, atoms } = call;
    if (call.asset !== 'USDC' || payer === null) throw new UsdcRefundRefusedError('not_paid_in_usdc');
    const transfer = paymentId === null ? undefined : await this.settledTransfer(paymentId);
    const transferred = transfer?.atoms ?? null;
    return { source: 'call', callId, paymentId, walletId, payer, network, atoms, transferred, toppedUp: null };
  }

  private async ofTransfer(paymentId: string): Promise<RefundablePayment> {
    const transfer = await this.settledTransfer(paymentId);
    if (!transfer?.atoms || transfer.payer === null) throw new NotFoundError({ what: 'payment', id: paymentId });
    const { atoms, network, payer, wallet_id: walletId, customer_id: customerId, grant_id: grantId } = transfer;
    const toppedUp = customerId !== null && grantId !== null ? { customerId, grantId } : null;
    const source = toppedUp ? 'top_up' : 'transfer';
    return { source, callId: null, paymentId, walletId, payer, network, atoms, transferred: atoms, toppedUp };
  }

  /** What the claim's transfer brought, if it brought something. @throws UsdcRefundRefusedError `payment_not_settled` */
  private async settledTransfer(paymentId: string): Promise<TransferRow | undefined> {
    const [found] = await this.database.query<TransferRow>(TRANSFER, [paymentId]);
    if (found && (!SETTLED.includes(found.state) || found.is_gone)) {
      throw new UsdcRefundRefusedError('payment_not_settled');
    }
    return found;
  }

  /** Its id is that of the request, which is in its claim: found by when that was. */
  private async claimOfTopUp(topUpId: string): Promise<string> {
    const [claim] = await this.database.query<{ key: string }>(
      `SELECT key FROM claims WHERE call_id = $1
          AND created_at BETWEEN $2::timestamptz - interval '1 day' AND $2::timestamptz + interval '1 hour'`,
      [topUpId, instantOf(topUpId)],
    );
    if (!claim)
      throw new NotFoundError({ what: 'top up', id: topUpId, hint: 'Its id is in the answer to its payment.' });
    return claim.key;
  }
}

/** The money came, whether or not its work was done. */
const SETTLED: readonly ClaimState[] = ['settled', 'paid'];

const TRANSFER = `
  SELECT claim.state, claim.customer_id AS wallet_id, wallet.wallet_address AS payer,
         arrived.atoms, arrived.network, bound.customer_id, bound.grant_id,
         EXISTS (SELECT FROM reversed_transfers WHERE payment_id = claim.key AND state <> 'settled') AS is_gone
    FROM claims claim
    LEFT JOIN customers wallet ON wallet.id = claim.customer_id
    LEFT JOIN LATERAL (
      SELECT sum(posting.atoms)::bigint AS atoms,
             min(substr(split_part(debit.code, ':USDC:', 1), length('chain:') + 1)) AS network
        FROM journal_keys JOIN postings posting USING (entry_id)
        JOIN ledger_accounts debit ON debit.id = posting.debit_account_id
       WHERE journal_keys.key = 'transfer:' || claim.key AND debit.code LIKE 'chain:%:USDC:%') arrived ON true
    LEFT JOIN LATERAL (
      SELECT customer_id, id AS grant_id FROM credit_grants WHERE origin = 'usdc' AND origin_id = claim.key) bound ON true
   WHERE claim.key = $1`;

interface CallRow {
  atoms: bigint;
  asset: string;
  payment_id: string | null;
  network: string | null;
  customer_id: string;
  wallet_address: Hex | null;
}

interface TransferRow {
  state: ClaimState;
  wallet_id: string;
  payer: Hex | null;
  /** `null` when no transfer came with it. */
  atoms: bigint | null;
  network: string | null;
  customer_id: string | null;
  grant_id: string | null;
  is_gone: boolean;
}
