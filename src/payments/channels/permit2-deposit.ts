import { encodeAbiParameters, type Hex, isAddressEqual, parseEventLogs, parseSignature } from 'viem';
import { BATCH_SETTLEMENT, PERMIT2_DEPOSIT_COLLECTOR } from '../../evm/contracts';
import { payerState } from '../../evm/read-many';
import { acceptsSignature, recoverSigner } from '../../evm/signature';
import { permit2Digest } from '../../evm/typed-digest';
import type { ChainNetwork } from '../chain/networks.service';
import { permitFaultOf, type SponsoredPermit } from '../gas-sponsoring';
import { sameAddress } from '../payment-envelope';
import type { Refusal } from '../refusal';
import { ERC20_ABI } from '../upto/upto-abi';
import { allowanceRequired } from '../upto/upto-verification.service';
import { CHANNELS_ABI } from './channel-contract';
import type { Permit2Deposit } from './channel-deposit';
import type { ChannelPayment } from './channel-payment';
import { channelRefusal } from './channel-refusal';
import { type DepositMethod, MARGIN_SECONDS } from './deposit-method';

type Payment = ChannelPayment & { readonly deposit: Permit2Deposit };

/** A deposit that Permit2 takes from the payer: for any token, once Permit2 may move it. */
export const PERMIT2_DEPOSIT: DepositMethod<Payment> = {
  collector: PERMIT2_DEPOSIT_COLLECTOR,
  // 145 thousand on the local contracts, with an approval, and room for a token that does more.
  gas: 320_000n,
  nonceOf: ({ deposit }) => BigInt(deposit.nonce).toString(),
  collectorData: ({ deposit: { nonce, deadline, signature, permit } }) =>
    encodeAbiParameters(
      [{ type: 'uint256' }, { type: 'uint256' }, { type: 'bytes' }, { type: 'bytes' }],
      [BigInt(nonce), deadline, signature, permit === undefined ? '0x' : permitData(permit)],
    ),

  async faultOf(payment, network): Promise<Refusal | 'made' | undefined> {
    const mismatch = mismatchOf(payment);
    if (mismatch) return mismatch;
    const { config, deposit } = payment;
    const { reader } = network;
    const permit2Word = BigInt(deposit.nonce) >> 8n;
    const payer = await payerState(reader, { token: config.token, payer: config.payer, permit2Word });
    if (((payer.bitmap >> (BigInt(deposit.nonce) & 0xffn)) & 1n) === 1n) return 'made';
    const digest = digestOf(network.chainId, deposit);
    // As Permit2 asks it: whoever has code is asked by EIP-1271, also where its key signed (EIP-7702).
    const isSigned = payer.hasCode
      ? await acceptsSignature(reader, config.payer, digest, deposit.signature)
      : recoverSigner(digest, deposit.signature) === config.payer;
    if (!isSigned) return channelRefusal('permit2_invalid_signature');
    if (payer.balance < deposit.amount) return channelRefusal('insufficient_balance');
    return payer.allowance >= deposit.amount ? undefined : approvalFaultOf(payment, network);
  },

  /** Permit2 tells nobody of it, but the channel does; a channel does one thing at a time. */
  happened: ({ channelId, deposit }, { logs }) =>
    parseEventLogs({ abi: CHANNELS_ABI, logs, eventName: 'Deposited', args: { channelId } }).some(
      ({ address, args }) => isAddressEqual(address, BATCH_SETTLEMENT) && args.amount === deposit.amount,
    ),
};

function mismatchOf({ config, channelId, deposit }: Payment): Refusal | undefined {
  const { from, spender, permitted, amount, deadline } = deposit;
  if (from !== config.payer) return channelRefusal('permit2_invalid_signature');
  if (!sameAddress(spender, PERMIT2_DEPOSIT_COLLECTOR)) return channelRefusal('permit2_invalid_spender');
  if (permitted.token !== config.token) return channelRefusal('token_mismatch');
  if (BigInt(permitted.amount) !== amount) return channelRefusal('permit2_amount_mismatch');
  // The collector looks at that, whether or not the permit is needed.
  if (deposit.permit && BigInt(deposit.permit.amount) !== amount) return channelRefusal('eip2612_amount_mismatch');
  if (deposit.channelId !== channelId) return channelRefusal('channel_id_mismatch');
  const now = BigInt(Math.floor(Date.now() / 1000));
  return deadline < now + MARGIN_SECONDS ? channelRefusal('permit2_deadline_expired') : undefined;
}

async function approvalFaultOf({ config, deposit }: Payment, network: ChainNetwork): Promise<Refusal | undefined> {
  if (deposit.permit === undefined) return allowanceRequired(config.token);
  const nonce = await network.reader.readContract({
    address: config.token,
    abi: ERC20_ABI,
    functionName: 'nonces',
    args: [config.payer],
  });
  return permitFaultOf(deposit.permit, deposit, nonce, { ...network.config.asset, chainId: network.chainId });
}

const digestOf = (chainId: number, { permitted, spender, nonce, deadline, channelId }: Permit2Deposit): Hex =>
  permit2Digest(chainId, { ...permitted, spender, nonce, deadline }, { kind: 'deposit', channelId });

function permitData({ amount, deadline, signature }: SponsoredPermit): Hex {
  const { r, s, v } = parseSignature(signature);
  return encodeAbiParameters(
    [{ type: 'uint256' }, { type: 'uint256' }, { type: 'uint8' }, { type: 'bytes32' }, { type: 'bytes32' }],
    [BigInt(amount), BigInt(deadline), Number(v), r, s],
  );
}
