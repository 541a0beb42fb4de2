import { Inject, Injectable, Logger } from '@nestjs/common';
import { type Hex, isAddressEqual, parseEventLogs } from 'viem';
import { usdc } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config, X402Config } from '../../config/config';
import { EIP3009_ABI } from '../../evm/eip3009';
import { EvmClient } from '../../evm/evm.client';
import { HotWallet } from '../hot-wallet.service';
import { callSettled, transferSettled } from '../../ledger/entries';
import { customerCredits } from '../../ledger/ledger-account';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import { type Claim, withTransaction } from '../claim';
import { ClaimsService } from '../claims.service';
import { FacilitatorClient } from '../facilitator.client';
import type { PaymentRequirements } from '../payment-scheme';
import { type ExactPayment, toVersion2 } from './exact-payment';

/** What became of a settlement. `in_doubt` is a state, not an error: the reconciler finishes it. */
export type SettlementOutcome =
  | { readonly kind: 'settled'; readonly transaction: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'in_doubt' };

/** A payment as its claim keeps it: enough to settle it again. */
export interface ExactClaimPayment {
  readonly payment: Pick<ExactPayment, 'authorization' | 'signature'>;
  readonly requirements: PaymentRequirements;
}

/** The authorization is dead this long after its last second: no block can still include it. */
const EXPIRY_MARGIN_SECONDS = 60;
/** Logs are asked for in a range that every node gives. */
const LOG_BLOCKS = 2_000n;

/** Moves the USDC of an `exact` payment, finds out what became of it, and books it: each safe to repeat. */
@Injectable()
export class ExactSettlement {
  private readonly logger = new Logger('ExactSettlement');
  private readonly hosted: boolean;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly facilitator: FacilitatorClient,
    private readonly ledger: LedgerService,
    private readonly claims: ClaimsService,
    private readonly wallet: HotWallet,
    private readonly evm: EvmClient,
  ) {
    this.hosted = config.x402?.facilitatorUrl !== undefined;
  }

  /** Settles a payment whose claim is `settling`. Never throws. */
  async settle(paymentId: string, { payment, requirements }: ExactClaimPayment): Promise<SettlementOutcome> {
    let reason = 'unexpected_settle_error';
    let silent = false;
    try {
      const response = await this.facilitator.settle(toVersion2(payment, requirements), requirements);
      if (response.success && response.transaction !== '')
        return { kind: 'settled', transaction: response.transaction };
      reason = response.errorReason ?? reason;
    } catch (error) {
      this.logger.warn(`${paymentId}: ${String(error).split('\n')[0]}`);
      silent = this.hosted;
    }
    const found = await this.investigate(paymentId, payment.authorization);
    if (found.kind !== 'open') return found;
    return silent ? { kind: 'in_doubt' } : { kind: 'failed', reason };
  }

  /**
   * Asks the chain what became of a payment. `open`: it was not sent, or cannot be mined any more as it was sent,
   * and its authorization is unused.
   */
  async investigate(
    paymentId: string,
    authorization: ExactPayment['authorization'],
  ): Promise<SettlementOutcome | { readonly kind: 'open' }> {
    try {
      for (const sent of await this.wallet.sentFor(paymentId)) {
        const state = await this.wallet.stateOf(sent);
        if (state === 'mined') return { kind: 'settled', transaction: sent.hash };
        if (state === 'signed') return { kind: 'in_doubt' };
      }
      const used = await this.evm.public.readContract({
        address: this.x402.asset.address,
        abi: EIP3009_ABI,
        functionName: 'authorizationState',
        args: [authorization.from, authorization.nonce],
      });
      if (!used) return { kind: 'open' };
      const transaction = await this.transactionThatUsed(authorization);
      return transaction === undefined ? { kind: 'failed', reason: NONCE_USED } : { kind: 'settled', transaction };
    } catch (error) {
      this.logger.warn(`${paymentId}: the chain does not answer: ${String(error).split('\n')[0]}`);
      return { kind: 'in_doubt' };
    }
  }

  /** Puts a settled payment on the books, with the call's rows when the work is done, and finishes the claim. */
  async book(claim: Pick<Claim, 'key' | 'callId' | 'customerId' | 'payment' | 'capture'>, transaction: string) {
    const { requirements } = claim.payment as ExactClaimPayment;
    const customerId = claim.customerId as string;
    const transfer = {
      paymentId: claim.key,
      customerId,
      network: requirements.network,
      payTo: requirements.payTo,
      transaction,
      amount: usdc(BigInt(requirements.amount)),
    };
    const { capture } = claim;
    const entry = capture
      ? callSettled({ ...transfer, callId: claim.callId, charge: usdc(BigInt(capture.charge)) })
      : transferSettled(transfer);
    const rows = capture ? withTransaction(capture.rows, transaction) : undefined;
    const verdict = await this.ledger.post(entry, rows, customerCredits(customerId, 'USDC'));
    if (verdict.verdict !== 'posted' && verdict.verdict !== 'replayed') {
      throw new LedgerRefusedError(`booking of ${claim.key}`, verdict.verdict);
    }
    return verdict;
  }

  /** Finishes a claim that somebody left: `settling` after a crash, or `in_doubt`. */
  async reconcile(claim: Claim): Promise<void> {
    const known = claim.payment as ExactClaimPayment;
    const { authorization } = known.payment;
    let outcome = await this.investigate(claim.key, authorization);
    if (outcome.kind === 'open') {
      const expired = Date.now() / 1000 > Number(authorization.validBefore) + EXPIRY_MARGIN_SECONDS;
      outcome = expired ? { kind: 'failed', reason: EXPIRED } : await this.settle(claim.key, known);
    }
    if (outcome.kind === 'settled') {
      await this.book(claim, outcome.transaction);
      await this.claims.move(claim.key, claim.callId, claim.capture ? 'settled' : 'paid', outcome);
    } else {
      const change = outcome.kind === 'failed' ? { reason: outcome.reason } : { leaseSeconds: IN_DOUBT_RETRY_SECONDS };
      await this.claims.move(claim.key, claim.callId, outcome.kind, change);
    }
  }

  /** Whoever broadcast it: an authorization can be used by anybody. Only a transfer of this amount to us counts. */
  private async transactionThatUsed(authorization: ExactPayment['authorization']): Promise<Hex | undefined> {
    const head = await this.evm.public.getBlockNumber();
    const { address } = this.x402.asset;
    const [used] = await this.evm.public.getContractEvents({
      address,
      abi: EIP3009_ABI,
      eventName: 'AuthorizationUsed',
      args: { authorizer: authorization.from, nonce: authorization.nonce },
      fromBlock: head > LOG_BLOCKS ? head - LOG_BLOCKS : 0n,
    });
    if (!used) return undefined;
    const { logs } = await this.evm.public.getTransactionReceipt({ hash: used.transactionHash });
    const transfers = parseEventLogs({
      abi: EIP3009_ABI,
      logs: logs.filter((log) => isAddressEqual(log.address, address)),
      eventName: 'Transfer',
      args: { from: authorization.from, to: this.x402.payTo },
    });
    const ours = transfers.some(({ args }) => args.value === BigInt(authorization.value));
    return ours ? used.transactionHash : undefined;
  }

  private get x402(): X402Config {
    if (!this.config.x402) throw new Error('Payments in USDC are not configured.');
    return this.config.x402;
  }
}

export const IN_DOUBT_RETRY_SECONDS = 2;
const NONCE_USED = 'invalid_exact_evm_nonce_already_used';
const EXPIRED = 'invalid_exact_evm_payload_authorization_valid_before';
