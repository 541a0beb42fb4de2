import { Injectable, Logger } from '@nestjs/common';
import type { Hex, PublicClient } from 'viem';
import { EIP3009_ABI } from '../../evm/eip3009';
import { confirmedReceipt, finalInstant } from '../chain/confirmed-receipt';
import { NetworksService } from '../chain/networks.service';
import { ReceiptsService } from '../chain/receipts.service';
import { Settler } from '../chain/settler.service';
import type { PaymentRequirements } from '../payment-scheme';
import type { Authorization } from './exact-payment';
import { movesTheMoney } from './transfer-call';

/**
 * What the chain says of a payment. `open`: it was not sent, or cannot be mined any more as it was sent, and its
 * authorization is unused. With the transaction that has shown it to everybody; `lapsed` by the chain's clock.
 * `used`: it was spent or cancelled in another way. `unclear`: it may still land.
 */
export type ChainFinding =
  /** `feeWei`: what it cost us, zero when somebody else sent it. */
  | { readonly kind: 'settled'; readonly transaction: Hex; readonly feeWei: bigint }
  | { readonly kind: 'open'; readonly shownBy: Hex | undefined; readonly lapsed: boolean }
  | { readonly kind: 'used' }
  /** `patient`: the next question will most likely find out no more than this one. */
  | { readonly kind: 'unclear'; readonly transaction?: Hex; readonly patient?: boolean };

/** Logs are asked for in a range that every node gives; a search goes this far back at once, and then on from there. */
const LOG_BLOCKS = 2_000n;
const RANGES_AT_ONCE = 4;
/** A node's logs may be this far behind what it says of the newest state: longer than any lag or reorganisation. */
const LAG_BLOCKS = 100n;
const RECEIPT_TIMEOUT_MS = 30_000;

/** Blocks: the newest one, and the one below the oldest. */
interface Searched {
  readonly top: bigint;
  readonly next: bigint;
}

/** Asks the chain what became of an `exact` payment, whoever sent it: an authorization can be used by anybody. */
@Injectable()
export class ExactChain {
  private readonly logger = new Logger('ExactChain');
  /** What the searches that have not found anything yet have looked through. */
  private readonly searched = new Map<string, Searched>();

  constructor(
    private readonly networks: NetworksService,
    private readonly settler: Settler,
    private readonly receipts: ReceiptsService,
  ) {}

  /** Never throws: a chain that does not answer leaves it `unclear`. */
  async investigate(
    paymentId: string,
    authorization: Authorization,
    required: PaymentRequirements,
  ): Promise<ChainFinding> {
    try {
      const sent = await this.settler.outcomeOf(paymentId, movesTheMoney(authorization, required));
      if (sent.kind === 'succeeded') {
        return { kind: 'settled', transaction: sent.transaction, feeWei: sent.feeWei };
      }
      if (sent.kind === 'in_doubt') return { ...sent, kind: 'unclear' };
      // Time before state: what is unused after a block that is too late for it stays so.
      const now = await finalInstant(this.networks.of(required.network));
      const used = await this.readerOf(required).readContract({
        address: required.asset as Hex,
        abi: EIP3009_ABI,
        functionName: 'authorizationState',
        args: [authorization.from, authorization.nonce],
      });
      if (used) return await this.useOf(paymentId, authorization, required);
      const shownBy = sent.kind === 'refused' ? undefined : sent.transaction;
      return { kind: 'open', shownBy, lapsed: now >= BigInt(authorization.validBefore) };
    } catch (error) {
      this.logger.warn(`${paymentId}: the chain does not answer: ${String(error).split('\n')[0]}`);
      return { kind: 'unclear', patient: true };
    }
  }

  /**
   * Whether this transaction moved the payment's money, once it has the network's confirmations: what a hosted facilitator
   * says is not believed unseen. `false` also when it does not have them in time.
   */
  async confirms(transaction: Hex, authorization: Authorization, required: PaymentRequirements): Promise<boolean> {
    const receipt = await this.receipts.wait(required.network, transaction, RECEIPT_TIMEOUT_MS);
    return receipt?.status === 'success' && movesTheMoney(authorization, required)(receipt);
  }

  private async useOf(
    paymentId: string,
    authorization: Authorization,
    required: PaymentRequirements,
  ): Promise<ChainFinding> {
    const reader = this.readerOf(required);
    const args = { authorizer: authorization.from, nonce: authorization.nonce };
    const before = this.searched.get(paymentId);
    // Found or not, a search that ends begins anew: what it found may be lost to a reorganisation.
    this.searched.delete(paymentId);
    const top = await reader.getBlockNumber();
    let to = top;
    for (let range = 0; range < RANGES_AT_ONCE && to >= 0n; range++, to -= LOG_BLOCKS) {
      // The newest range is looked through each time: its logs may have been late, or have moved to another block.
      if (before && range > 0 && to <= before.top - LAG_BLOCKS && to > before.next) to = before.next;
      const where = {
        address: required.asset as Hex,
        abi: EIP3009_ABI,
        args,
        fromBlock: to >= LOG_BLOCKS ? to - LOG_BLOCKS + 1n : 0n,
        toBlock: to,
      };
      const [[used], [canceled]] = await Promise.all([
        reader.getContractEvents({ ...where, eventName: 'AuthorizationUsed' }),
        reader.getContractEvents({ ...where, eventName: 'AuthorizationCanceled' }),
      ]);
      const spent = canceled ?? used;
      if (spent) return this.findingIn(spent.transactionHash, authorization, required);
    }
    if (to >= 0n) this.searched.set(paymentId, { top, next: to });
    else this.logger.error(`${paymentId}: its authorization is used, and no log of the chain says by what`);
    return { kind: 'unclear', patient: true };
  }

  /** A transaction that spent the authorization, whoever sent it, counts once it has its confirmations. */
  private async findingIn(
    transaction: Hex,
    authorization: Authorization,
    required: PaymentRequirements,
  ): Promise<ChainFinding> {
    const receipt = await confirmedReceipt(this.networks.of(required.network), transaction);
    if (receipt === undefined || receipt === 'unconfirmed') return { kind: 'unclear', transaction };
    return movesTheMoney(authorization, required)(receipt)
      ? { kind: 'settled', transaction, feeWei: 0n }
      : { kind: 'used' };
  }

  private readerOf({ network }: PaymentRequirements): PublicClient {
    return this.networks.of(network).reader;
  }
}
