import { Injectable } from '@nestjs/common';
import { encodeFunctionData, type Hex, maxUint256 } from 'viem';
import { PERMIT2 } from '../../evm/contracts';
import { payerState } from '../../evm/read-many';
import { acceptsSignature, isSignedBy, recoverSigner } from '../../evm/signature';
import { permit2Digest } from '../../evm/typed-digest';
import { type ChainNetwork, NetworksService } from '../chain/networks.service';
import { permitFaultOf, type SponsoredPermit } from '../gas-sponsoring';
import { chainUnavailable, type Refusal } from '../refusal';
import { ERC20_ABI } from './upto-abi';
import type { Permit2Authorization } from './permit2-authorization';
import { refusedPayment, type UptoPayment } from './upto-payment';

/** What was found good: how much of the payer's money may be at risk at once, and how a settlement is sent. */
export interface GoodPayment {
  readonly kind: 'good';
  /** What the payer's unsettled payments may come to, this one with them, in atoms. */
  readonly most: bigint;
  /** Sent with the settlement; `undefined` where the allowance is enough. */
  readonly permit: SponsoredPermit | undefined;
  readonly contractPayer: boolean;
}

type Verdict = GoodPayment | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Checks a payment in this process: a recovered signature, and one round trip for what the payer has and allowed. */
@Injectable()
export class UptoVerification {
  constructor(private readonly networks: NetworksService) {}

  /** Never throws: a node that does not answer is a refusal too, one that passes. */
  async verdictOn(payment: UptoPayment, network: string): Promise<Verdict> {
    try {
      return await this.check(payment, this.networks.of(network));
    } catch {
      return refused(chainUnavailable);
    }
  }

  /** Whether the payer signed it. @throws when the node does not answer. */
  async isSigned({ authorization, signature }: UptoPayment, network: string): Promise<boolean> {
    const { reader, chainId } = this.networks.of(network);
    return isSignedBy(reader, authorization.from, digestOf(chainId, authorization), signature);
  }

  /** Whether the chain has spent the payment's nonce, in whatever way. @throws when the node does not answer. */
  async isSpent(authorization: Permit2Authorization, network: string): Promise<boolean> {
    const { bitmap } = await payerState(this.networks.of(network).reader, questionAbout(authorization));
    return isSpentIn(bitmap, authorization.nonce);
  }

  private async check({ authorization, signature, permit }: UptoPayment, network: ChainNetwork): Promise<Verdict> {
    const { from, nonce, permitted } = authorization;
    const amount = BigInt(permitted.amount);
    const digest = digestOf(network.chainId, authorization);
    const [payer, permitNonce] = await Promise.all([
      payerState(network.reader, questionAbout(authorization)),
      permit && this.permitNonceOf(network, from),
    ]);
    // As Permit2 asks it: whoever has code is asked by EIP-1271, also where its key signed (EIP-7702).
    const signed = payer.hasCode
      ? await acceptsSignature(network.reader, from, digest, signature)
      : recoverSigner(digest, signature) === from;
    if (!signed) return refused(refusedPayment('invalid_permit2_signature'));
    if (isSpentIn(payer.bitmap, nonce)) {
      return refused(refusedPayment('permit2_invalid_nonce', 'The nonce of this payment is used already.'));
    }
    if (payer.balance < amount) {
      const detail = `The payer has ${payer.balance} atoms of the token, the payment is over ${amount}.`;
      return refused(refusedPayment('permit2_insufficient_balance', detail));
    }
    const contractPayer = payer.hasCode;
    if (payer.allowance >= amount) {
      return { kind: 'good', most: smaller(payer.balance, payer.allowance), permit: undefined, contractPayer };
    }
    if (!permit || permitNonce === undefined) return refused(allowanceRequired(network.config.asset.address));
    const fault = permitFaultOf(permit, authorization, permitNonce, {
      ...network.config.asset,
      chainId: network.chainId,
    });
    if (fault) return refused(fault);
    // A permit replaces the allowance by its own amount, so it bears one payment at a time.
    return { kind: 'good', most: smaller(payer.balance, BigInt(permit.amount)), permit, contractPayer };
  }

  private permitNonceOf({ reader, config }: ChainNetwork, owner: Hex): Promise<bigint> {
    const { address } = config.asset;
    return reader.readContract({ address, abi: ERC20_ABI, functionName: 'nonces', args: [owner] });
  }
}

const digestOf = (chainId: number, { permitted, spender, nonce, deadline, witness }: Permit2Authorization): Hex =>
  permit2Digest(chainId, { ...permitted, spender, nonce, deadline }, { kind: 'upto', ...witness });

const questionAbout = ({ from, permitted, nonce }: Permit2Authorization) => ({
  token: permitted.token,
  payer: from,
  permit2Word: BigInt(nonce) >> 8n,
});

/** Permit2, `SignatureTransfer`: a nonce is a bit in a word of 256. */
const isSpentIn = (word: bigint, nonce: string): boolean => ((word >> (BigInt(nonce) & 0xffn)) & 1n) === 1n;

const refused = (refusal: Refusal): Verdict => ({ kind: 'refused', refusal });

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** x402 on EVM: the payer is told what to approve, and can then send the very same payment again. */
export function allowanceRequired(token: Hex): Refusal {
  const data = encodeFunctionData({ abi: ERC20_ABI, functionName: 'approve', args: [PERMIT2, maxUint256] });
  return {
    status: 412,
    code: 'permit2_allowance_required',
    detail: 'Permit2 may not move the token of this payer yet. The payment is good once it may.',
    hint: 'Send the transaction in "approve" once, or pay with a client that signs an EIP-2612 permit.',
    members: { permit2: PERMIT2, token, approve: { to: token, data } },
  };
}
