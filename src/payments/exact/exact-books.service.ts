import { Injectable } from '@nestjs/common';
import { type Money, usdc } from '../../common/money';
import { type ChainTransfer, callSettled, transferSettled } from '../../ledger/chain-entries';
import type { CompanionRows } from '../../ledger/companion-rows';
import { callCaptured } from '../../ledger/entries';
import type { JournalEntry } from '../../ledger/journal-entry';
import { customerCredits } from '../../ledger/ledger-account';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import { callPromised, promiseBroken, promiseKept } from '../../ledger/promise-entries';
import { type PendingCapture, withTransaction } from '../claim';
import { networkCost } from '../chain/gas-value';
import { NetworksService } from '../chain/networks.service';
import { walletHold } from '../wallet-hold';
import type { ExactClaimPayment, UnfinishedClaim } from './exact-claim';

/** Puts `exact` payments on the books, and the calls that they pay for: each entry once, however often it is asked for. */
@Injectable()
export class ExactBooks {
  constructor(
    private readonly ledger: LedgerService,
    private readonly networks: NetworksService,
  ) {}

  /** A payment has arrived: for its call, with the call's rows; for what was promised; or as the wallet's credit. */
  async arrived(claim: UnfinishedClaim, transaction: string, feeWei: bigint): Promise<void> {
    const { capture } = claim;
    const { requirements, answersFirst } = claim.payment as ExactClaimPayment;
    const amount = usdc(BigInt(requirements.amount));
    const transfer: ChainTransfer = { ...payerOf(claim), payTo: requirements.payTo, transaction, amount };
    if (!capture) return this.post(claim, transferSettled(transfer));
    const charge = chargeIn(capture);
    if (answersFirst) return this.post(claim, promiseKept({ ...transfer, charge }));
    const cost = networkCost(feeWei, this.networks.of(requirements.network).config.gas);
    const entry = callSettled({ ...transfer, callId: claim.callId, charge });
    return this.post(claim, entry, withTransaction(capture.rows, transaction, cost));
  }

  /** The call's charge is taken from what its payment brought before the work. */
  async takeFromCredit(claim: UnfinishedClaim): Promise<void> {
    const capture = claim.capture as PendingCapture;
    const customerId = claim.customerId as string;
    const { callId } = claim;
    const hold = walletHold({ callId, customerId, amount: usdc(BigInt(capture.held)) });
    const entry = callCaptured({ callId, customerId, charge: chargeIn(capture) });
    const { verdict } = await this.ledger.capture(hold, entry, capture.rows);
    if (verdict === 'hold_closed') return this.post(claim, entry, capture.rows);
    if (verdict !== 'posted' && verdict !== 'replayed')
      throw new LedgerRefusedError(`capture of call ${callId}`, verdict);
  }

  /** The call is answered and its payment is still to come. */
  async promised(claim: UnfinishedClaim): Promise<void> {
    const { rows, ...capture } = claim.capture as PendingCapture;
    const { callId } = claim;
    return this.post(claim, callPromised({ ...payerOf(claim), callId, charge: chargeIn(capture) }), rows);
  }

  /** A promised payment can never come: the wallet owes what its credit does not bear. */
  async broken(claim: UnfinishedClaim): Promise<void> {
    const charge = chargeIn(claim.capture as PendingCapture);
    return this.post(claim, promiseBroken({ ...payerOf(claim), charge }));
  }

  private async post(claim: UnfinishedClaim, entry: JournalEntry, rows?: CompanionRows): Promise<void> {
    const { verdict } = await this.ledger.post(entry, rows, customerCredits(claim.customerId as string, 'USDC'));
    if (verdict !== 'posted' && verdict !== 'replayed')
      throw new LedgerRefusedError(`booking of ${claim.key}`, verdict);
  }
}

const payerOf = ({ key, customerId, payment }: UnfinishedClaim) => ({
  paymentId: key,
  customerId: customerId as string,
  network: (payment as ExactClaimPayment).requirements.network,
});

const chargeIn = ({ charge }: Pick<PendingCapture, 'charge'>): Money => usdc(BigInt(charge));
