import { Injectable, Logger } from '@nestjs/common';
import { isHash } from 'viem';
import type { Claim, ClaimState } from '../claim';
import { LEASE_SECONDS } from '../claim-leases.service';
import { ClaimsService } from '../claims.service';
import { type NetworkCost, networkCost } from '../chain/gas-value';
import { NetworksService } from '../chain/networks.service';
import { Settler } from '../chain/settler.service';
import { isGivenUp } from '../unsettled';
import { ExactBooks } from './exact-books.service';
import { type ChainFinding, ExactChain } from './exact-chain.service';
import type { ExactClaimPayment, UnfinishedClaim } from './exact-claim';
import { toVersion2 } from './exact-payment';
import { HostedFacilitators } from './hosted-facilitators.client';
import { movesTheMoney, transferCall } from './transfer-call';

/** What became of a settlement. `in_doubt` is a state, not an error: the reconciler finishes it. */
export type SettlementOutcome =
  /** `feeWei`: what it cost us, zero when somebody else sent it. */
  | { readonly kind: 'settled'; readonly transaction: string; readonly feeWei: bigint }
  | { readonly kind: 'failed'; readonly reason: string }
  /** With the newest transaction, where it is known. `patient`: it would revert now, so it is tried ever more seldom. */
  | { readonly kind: 'in_doubt'; readonly transaction?: string | undefined; readonly patient?: boolean };

const IN_DOUBT_RETRY_SECONDS = 2;
/** A block of Base: who was seen without code so recently can have got some as well after one more question. */
const CODE_FRESH_MS = 2_000;

/** Moves the USDC of an `exact` payment, finds out what became of it, and books it: each safe to repeat. */
@Injectable()
export class ExactSettlement {
  private readonly logger = new Logger('ExactSettlement');

  constructor(
    private readonly hosted: HostedFacilitators,
    private readonly books: ExactBooks,
    private readonly claims: ClaimsService,
    private readonly chain: ExactChain,
    private readonly settler: Settler,
    private readonly networks: NetworksService,
  ) {}

  /**
   * Settles the payment of a claim that is `settling`, books it, and moves the claim on: to `paid` when it is settled
   * and the money came, as it must when it did not. Never throws: from here on, trouble of any kind is doubt.
   */
  async settle(claim: UnfinishedClaim, paid: ClaimState): Promise<SettlementOutcome> {
    try {
      return await this.finish(claim, await this.send(claim, false), paid);
    } catch (error) {
      this.logger.error(`${claim.key} is left to the reconciler: ${String(error)}`);
      this.claims.leave(claim.key, claim.callId);
      return { kind: 'in_doubt' };
    }
  }

  /**
   * Takes a call's charge from the wallet's credit, where its payment was settled before the work, or where it was
   * delivered and its payment pays somebody else's copy: what the credit cannot bear is owed.
   */
  async takeFromCredit(claim: UnfinishedClaim): Promise<void> {
    await this.books.takeFromCredit(claim);
    await this.claims.move(claim.key, claim.callId, 'settled');
  }

  /** Finishes a claim that somebody left: `settling` after a crash, or `in_doubt`. */
  async reconcile(claim: Claim): Promise<void> {
    if (claim.transaction !== null && claim.capture) return this.takeFromCredit(claim);
    // It may have been left before it was booked.
    if (claim.state === 'promised') await this.books.promised(claim);
    await this.finish(claim, await this.tryAgain(claim), claim.capture ? 'settled' : 'paid');
  }

  /** What the settlement of a claim cost us, as far as the chain says so now. */
  async costOf(claim: Claim): Promise<NetworkCost | undefined> {
    const payment = claim.payment as ExactClaimPayment;
    const found = await this.chain.investigate(claim.key, payment.payment.authorization, payment.requirements);
    return found.kind === 'settled' ? this.priced(payment, found.feeWei) : undefined;
  }

  priced({ requirements }: ExactClaimPayment, feeWei: bigint): NetworkCost {
    return networkCost(feeWei, this.networks.of(requirements.network).config.gas);
  }

  /** What came of it, having sent it again where it is open. Books nothing. */
  async tryAgain(claim: Claim): Promise<SettlementOutcome> {
    const { payment, requirements } = claim.payment as ExactClaimPayment;
    const found = await this.chain.investigate(claim.key, payment.authorization, requirements);
    return found.kind === 'open' && !found.lapsed ? this.send(claim, true) : outcomeOf(found);
  }

  /** Has it settled. Failed is only what cannot land any more, however it was answered: the chain has the last word. */
  private async send(claim: UnfinishedClaim, again: boolean): Promise<SettlementOutcome> {
    const { payment, requirements, answersFirst, facilitator } = claim.payment as ExactClaimPayment;
    const said = await (facilitator === undefined
      ? this.sendItself(claim, again)
      : this.sendHosted(claim, facilitator));
    if (said.kind === 'settled') return said;
    const found = await this.chain.investigate(claim.key, payment.authorization, requirements);
    if (found.kind !== 'open') return outcomeOf(found);
    if (said.kind !== 'failed') return said;
    // What a hosted facilitator refuses now, it may have broadcast the first time.
    const { lapsed, shownBy: transaction } = found;
    const shown = transaction !== undefined || (again && facilitator !== undefined);
    if (isGivenUp({ lapsed, shown, answered: answersFirst === true, byAnybody: true })) {
      return lapsed ? outcomeOf(found) : said;
    }
    return { kind: 'in_doubt', transaction, patient: true };
  }

  /** A payment that is sent again is sent apart: whatever kept it from landing, it keeps nobody else. */
  private async sendItself(claim: UnfinishedClaim, again: boolean): Promise<SettlementOutcome> {
    const given = claim.payment as ExactClaimPayment;
    const { payment, requirements, byContract } = given;
    const { authorization } = payment;
    const code = again ? await this.codeOf(given) : await this.codeSinceVerified(given);
    if (code === 'unknown') return { kind: 'in_doubt' };
    const call = transferCall(claim.key, requirements, payment, byContract === true);
    const happened = movesTheMoney(authorization, requirements);
    const outcome = await this.settler.send({ ...call, alone: again || code !== undefined }, happened);
    if (outcome.kind === 'succeeded') {
      return { kind: 'settled', transaction: outcome.transaction, feeWei: outcome.feeWei };
    }
    return outcome.kind === 'in_doubt' ? outcome : { kind: 'failed', reason: TRANSACTION_FAILED };
  }

  /** A key's account may have been given code since it was verified (EIP-7702), and code could burn others' gas. */
  private async codeSinceVerified(given: ExactClaimPayment): Promise<string | undefined> {
    const isFresh = Date.now() - (given.codelessAt ?? 0) < CODE_FRESH_MS;
    return isFresh ? undefined : this.codeOf(given);
  }

  private codeOf({ payment, requirements }: ExactClaimPayment): Promise<string | undefined> {
    const { reader } = this.networks.of(requirements.network);
    return reader.getCode({ address: payment.authorization.from }).catch(() => 'unknown');
  }

  private async sendHosted(claim: UnfinishedClaim, facilitator: string): Promise<SettlementOutcome> {
    const { payment, requirements } = claim.payment as ExactClaimPayment;
    try {
      const response = await this.hosted.settle(facilitator, toVersion2(payment, requirements), requirements);
      const { success, transaction, errorReason = '' } = response;
      if (success && isHash(transaction)) {
        const confirmed = await this.chain.confirms(transaction, payment.authorization, requirements);
        if (confirmed) return { kind: 'settled', transaction, feeWei: 0n };
      }
      const unsent = transaction === '' && REFUSED_UNSENT.test(errorReason);
      if (!success && unsent && !PASSING_REASONS.has(errorReason)) return { kind: 'failed', reason: errorReason };
    } catch (error) {
      this.logger.warn(`${claim.key}: ${String(error).split('\n')[0]}`);
    }
    return { kind: 'in_doubt' };
  }

  private async finish(claim: UnfinishedClaim, outcome: SettlementOutcome, paid: ClaimState) {
    const { key, callId } = claim;
    if (outcome.kind === 'settled') {
      await this.books.arrived(claim, outcome.transaction, outcome.feeWei);
      const change = { transaction: outcome.transaction, leaseSeconds: LEASE_SECONDS };
      const moved = await this.claims.move(key, callId, paid, change);
      // Work that is paid for is done by whoever holds the claim, and that is somebody else now.
      return moved || paid !== 'working' ? outcome : { kind: 'in_doubt' as const };
    }
    const change =
      outcome.kind === 'failed'
        ? { reason: outcome.reason }
        : { leaseSeconds: IN_DOUBT_RETRY_SECONDS, backOff: outcome.patient === true };
    // What has been answered is neither refused nor doubtful to its caller.
    const answered = (claim.payment as ExactClaimPayment).answersFirst === true;
    if (answered && outcome.kind === 'failed') await this.books.broken(claim);
    if (answered) this.claims.leave(key, callId);
    await this.claims.move(key, callId, answered && outcome.kind === 'in_doubt' ? 'promised' : outcome.kind, change);
    return outcome;
  }
}

/** What a finding means for the claim; `open` stands for lapsed here, since what is not is sent. */
function outcomeOf(found: ChainFinding): SettlementOutcome {
  if (found.kind === 'settled') return found;
  if (found.kind === 'unclear') return { ...found, kind: 'in_doubt' };
  return { kind: 'failed', reason: found.kind === 'used' ? NONCE_USED : EXPIRED };
}

const NONCE_USED = 'invalid_exact_evm_nonce_already_used';
const TRANSACTION_FAILED = 'invalid_exact_evm_transaction_failed';
const EXPIRED = 'invalid_exact_evm_payload_authorization_valid_before';
/**
 * A hosted facilitator's reasons that are found before anything is broadcast. Any other one may still land, and our own
 * record of what was sent does not know of it.
 */
const REFUSED_UNSENT = new RegExp(
  [
    '^(insufficient_funds|unsupported_scheme|invalid_(scheme|network|x402_version|payload|payment_requirements))$',
    '^invalid_exact_evm_(payload_)?(authorization_|signature|failed_to_parse_signature|insufficient_balance)',
    '^invalid_exact_evm_(payload_)?(recipient|network|token_name|token_version)_mismatch$',
    '^invalid_exact_evm_(scheme|missing_eip712_domain|eip3009_not_supported)$',
  ].join('|'),
);
/** Reasons that time can change: the transaction is on its way, or the node is behind the one that was asked before. */
const PASSING_REASONS = new Set(['settlement_pending', NONCE_USED, 'unexpected_settle_error']);
