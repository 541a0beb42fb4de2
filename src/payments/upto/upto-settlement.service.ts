import { Injectable, Logger } from '@nestjs/common';
import { usdc } from '../../common/money';
import { callSettled } from '../../ledger/chain-entries';
import { callCaptured } from '../../ledger/entries';
import type { JournalEntry } from '../../ledger/journal-entry';
import { customerCredits } from '../../ledger/ledger-account';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import type { CompanionRows } from '../../ledger/companion-rows';
import { UsageRecordsService } from '../../metering/usage-records.service';
import { finalInstant } from '../chain/confirmed-receipt';
import { networkCost } from '../chain/gas-value';
import { NetworksService } from '../chain/networks.service';
import { Settler } from '../chain/settler.service';
import { type Claim, type PendingCapture, withTransaction } from '../claim';
import { ClaimsService } from '../claims.service';
import { isGivenUp } from '../unsettled';
import { lapseOf } from './upto-payment';
import { movedTheMoney, settleCall } from './upto-contract';
import type { UptoClaimPayment, UptoHold } from './upto-hold';
import { UptoVerification } from './upto-verification.service';

/** What became of a settlement. `in_doubt` is a state, not an error: the reconciler finishes it. */
export type UptoOutcome =
  /** The transaction is empty where nothing was used: then nothing had to move. */
  | { readonly kind: 'settled'; readonly transaction: string; readonly feeWei: bigint }
  | { readonly kind: 'failed'; readonly reason: string }
  /** With the newest transaction, where it is known. `patient`: it would revert now, so it is tried ever more seldom. */
  | { readonly kind: 'in_doubt'; readonly transaction?: string | undefined; readonly patient?: boolean };

/** It was not sent, or cannot be mined any more as it was sent, and is unspent. */
interface Open {
  readonly kind: 'open';
  /** By the chain's clock. */
  readonly lapsed: boolean;
}

type Settled = Extract<UptoOutcome, { kind: 'settled' }>;
export type UnfinishedClaim = Pick<Claim, 'key' | 'state' | 'callId' | 'customerId' | 'payment' | 'capture'>;

const IN_DOUBT_RETRY_SECONDS = 2;

/** Takes what was used of an `upto` payment, finds out what became of that, and books it: each safe to repeat. */
@Injectable()
export class UptoSettlement {
  private readonly logger = new Logger('UptoSettlement');

  constructor(
    private readonly settler: Settler,
    private readonly networks: NetworksService,
    private readonly verification: UptoVerification,
    private readonly ledger: LedgerService,
    private readonly claims: ClaimsService,
    private readonly usages: UsageRecordsService,
  ) {}

  /** Settles a claim that is `settling` with its capture. Never throws: from here on, trouble of any kind is doubt. */
  async settle(claim: UnfinishedClaim): Promise<UptoOutcome> {
    try {
      return await this.finish(claim, await this.send(claim, false));
    } catch (error) {
      this.logger.error(`${claim.key} is left to the reconciler: ${String(error)}`);
      this.claims.leave(claim.key, claim.callId);
      return { kind: 'in_doubt' };
    }
  }

  /** Nothing was delivered: the ceiling is free again, and so is the payment. */
  async release({ claimKey, callId }: UptoHold, rows: CompanionRows): Promise<void> {
    if (rows.usage) await this.usages.record(rows.usage);
    await this.claims.move(claimKey, callId, 'released');
  }

  /** Finishes a claim that somebody left: `settling` after a crash, or `in_doubt`. */
  async reconcile(claim: Claim): Promise<void> {
    await this.finish(claim, await this.tryAgain(claim));
  }

  /** What came of it, having sent it again where it is open. Books nothing. */
  async tryAgain(claim: Claim): Promise<UptoOutcome> {
    if (chargeOf(claim) === 0n) return NOTHING_DUE;
    const known = await this.lookUp(claim);
    return known.kind === 'open' && !known.lapsed ? this.send(claim, true) : outcomeOf(known);
  }

  /** `again`: simulated before, since whatever kept it from landing may still hold. */
  private async send(claim: UnfinishedClaim, again: boolean): Promise<UptoOutcome> {
    const charge = chargeOf(claim);
    if (charge === 0n) return NOTHING_DUE;
    const { authorization, signature, permit, requirements, ...given } = claim.payment as UptoClaimPayment;
    const { network } = requirements;
    const call = settleCall(authorization, signature, charge, permit ?? undefined);
    const sender = authorization.witness.facilitator;
    const about = { reference: claim.key, sender, validUntil: lapseOf(authorization) };
    const sent = await this.settler.send(
      { ...call, ...about, network, alone: again || given.contractPayer },
      (receipt) => movedTheMoney(receipt, authorization, charge),
    );
    if (sent.kind === 'succeeded') return settledBy(sent);
    if (sent.kind === 'in_doubt') return sent;
    // An earlier attempt may have taken it: then this one had nothing left to take.
    const known = await this.lookUp(claim);
    if (known.kind !== 'open') return known;
    const answered = given.answersFirst || claim.state === 'settled';
    const open = { ...known, shown: true, answered, byAnybody: false };
    if (!isGivenUp(open)) return { kind: 'in_doubt', patient: true };
    return known.lapsed ? LAPSED : FAILED;
  }

  /** What the chain says of it; `open` when nothing that was sent can still land, and the payment is unspent. */
  private async lookUp(claim: UnfinishedClaim): Promise<UptoOutcome | Open> {
    const { authorization, requirements } = claim.payment as UptoClaimPayment;
    const charge = chargeOf(claim);
    const outcome = await this.settler.outcomeOf(claim.key, (receipt) => movedTheMoney(receipt, authorization, charge));
    if (outcome.kind === 'succeeded') return settledBy(outcome);
    if (outcome.kind === 'in_doubt') return outcome;
    // Time before state: what is unspent after a block that is too late for it stays so.
    const now = await finalInstant(this.networks.of(requirements.network));
    // Only our key settles it: whatever else has spent the nonce was the payer.
    if (await this.verification.isSpent(authorization, requirements.network)) return SPENT;
    return { kind: 'open', lapsed: now > BigInt(authorization.deadline) };
  }

  private async finish(claim: UnfinishedClaim, outcome: UptoOutcome): Promise<UptoOutcome> {
    const { key, callId } = claim;
    if (outcome.kind === 'in_doubt') {
      const change = { leaseSeconds: IN_DOUBT_RETRY_SECONDS, backOff: outcome.patient === true };
      await this.claims.move(key, callId, 'in_doubt', change);
      return outcome;
    }
    if (outcome.kind === 'settled') {
      await this.book(claim, outcome);
      await this.claims.move(key, callId, 'settled', { transaction: outcome.transaction });
      return outcome;
    }
    if ((claim.payment as UptoClaimPayment).answersFirst) await this.owe(claim);
    await this.claims.move(key, callId, 'failed', { reason: outcome.reason });
    return outcome;
  }

  private async book(claim: UnfinishedClaim, { transaction, feeWei }: Settled): Promise<void> {
    const { callId, key: paymentId } = claim;
    const customerId = claim.customerId as string;
    const { rows } = claim.capture as PendingCapture;
    const amount = usdc(chargeOf(claim));
    if (amount.atoms === 0n)
      return this.post(claim, callCaptured({ callId, customerId, charge: amount }), withTransaction(rows, null));
    const { network, payTo } = (claim.payment as UptoClaimPayment).requirements;
    const transfer = { paymentId, customerId, network, payTo, transaction, amount };
    const cost = networkCost(feeWei, this.networks.of(network).config.gas);
    const entry = callSettled({ ...transfer, callId, charge: amount });
    await this.post(claim, entry, withTransaction(rows, transaction, cost));
  }

  /** What was delivered and is not paid is taken from the wallet's credit, and what that cannot bear is owed. Safe to repeat. */
  async owe(claim: UnfinishedClaim): Promise<void> {
    const entry = callCaptured({
      callId: claim.callId,
      customerId: claim.customerId as string,
      charge: usdc(chargeOf(claim)),
    });
    await this.post(claim, entry, withTransaction((claim.capture as PendingCapture).rows, null));
  }

  private async post(claim: UnfinishedClaim, entry: JournalEntry, rows: CompanionRows): Promise<void> {
    const { verdict } = await this.ledger.post(entry, rows, customerCredits(claim.customerId as string, 'USDC'));
    if (verdict !== 'posted' && verdict !== 'replayed')
      throw new LedgerRefusedError(`booking of ${claim.key}`, verdict);
  }
}

/** What a look at the chain means for the claim; `open` stands for lapsed here, since what is not is sent. */
const outcomeOf = (known: UptoOutcome | Open): UptoOutcome => (known.kind === 'open' ? LAPSED : known);

const chargeOf = (claim: UnfinishedClaim): bigint => BigInt((claim.capture as PendingCapture).charge);

const settledBy = ({ transaction, feeWei }: { transaction: string; feeWei: bigint }): UptoOutcome => ({
  kind: 'settled',
  transaction,
  feeWei,
});

const NOTHING_DUE: UptoOutcome = { kind: 'settled', transaction: '', feeWei: 0n };
const SPENT: UptoOutcome = { kind: 'failed', reason: 'permit2_invalid_nonce' };
const LAPSED: UptoOutcome = { kind: 'failed', reason: 'permit2_deadline_expired' };
const FAILED: UptoOutcome = { kind: 'failed', reason: 'invalid_upto_evm_transaction_failed' };
