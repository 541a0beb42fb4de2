import { type Hex, isAddressEqual, parseEventLogs, type TransactionReceipt } from 'viem';
import { ERC3009_DEPOSIT_COLLECTOR } from '../../evm/contracts';
import { EIP3009_ABI } from '../../evm/eip3009';
import { payerState } from '../../evm/read-many';
import { isSignedBy } from '../../evm/signature';
import { receiveDigest } from '../../evm/typed-digest';
import type { ChainNetwork } from '../chain/networks.service';
import type { Refusal } from '../refusal';
import { depositNonce, erc3009CollectorData } from './channel-contract';
import type { Erc3009Deposit } from './channel-deposit';
import type { ChannelPayment } from './channel-payment';
import { channelRefusal } from './channel-refusal';
import { type DepositMethod, MARGIN_SECONDS } from './deposit-method';

type Payment = ChannelPayment & { readonly deposit: Erc3009Deposit };

/** A deposit that is signed for the token itself. */
export const ERC3009_DEPOSIT: DepositMethod<Payment> = {
  collector: ERC3009_DEPOSIT_COLLECTOR,
  // 125 thousand on the local contracts, and room for a token that does more.
  gas: 250_000n,
  nonceOf: (payment) => nonceOf(payment),
  collectorData: ({ deposit }) => erc3009CollectorData(deposit),

  async faultOf(payment, { reader, chainId, config: network }: ChainNetwork): Promise<Refusal | 'made' | undefined> {
    const { config, deposit } = payment;
    const now = BigInt(Math.floor(Date.now() / 1000));
    const nonce = nonceOf(payment);
    const { used, balance } = await payerState(reader, { token: config.token, payer: config.payer, nonce3009: nonce });
    if (used) return 'made';
    if (deposit.validBefore < now + MARGIN_SECONDS) return channelRefusal('payload_authorization_valid_before');
    if (deposit.validAfter > now) return channelRefusal('payload_authorization_valid_after');
    const { validAfter, validBefore } = deposit;
    const to: Hex = ERC3009_DEPOSIT_COLLECTOR;
    const authorization = { from: config.payer, to, value: deposit.amount, validAfter, validBefore, nonce };
    const digest = receiveDigest({ ...network.asset, chainId }, authorization);
    if (!(await isSignedBy(reader, config.payer, digest, deposit.signature))) {
      return channelRefusal('receive_authorization_signature');
    }
    return balance < deposit.amount ? channelRefusal('insufficient_balance') : undefined;
  },

  happened(payment, { logs }: TransactionReceipt): boolean {
    const { payer: authorizer, token } = payment.config;
    const args = { authorizer, nonce: nonceOf(payment) };
    return parseEventLogs({ abi: EIP3009_ABI, logs, eventName: 'AuthorizationUsed', args }).some(({ address }) =>
      isAddressEqual(address, token),
    );
  },
};

const nonceOf = ({ channelId, deposit }: Payment): Hex => depositNonce(channelId, deposit.salt);
