import { Injectable } from '@nestjs/common';
import { type Hex, isAddressEqual, parseEventLogs, type TransactionReceipt } from 'viem';
import { BATCH_SETTLEMENT, ERC3009_DEPOSIT_COLLECTOR } from '../../evm/contracts';
import { EIP3009_ABI } from '../../evm/eip3009';
import { payerState } from '../../evm/read-many';
import { isSignedBy } from '../../evm/signature';
import { receiveDigest } from '../../evm/typed-digest';
import { NetworksService } from '../chain/networks.service';
import { Settler } from '../chain/settler.service';
import type { Refusal } from '../refusal';
import { depositCall, depositNonce, erc3009CollectorData } from './channel-contract';
import type { ChannelPayment, Deposit } from './channel-payment';
import { channelRefusal } from './channel-refusal';

/** A deposit must outlive the block that takes it; the margin of `@x402/evm`. */
const MARGIN_SECONDS = 6n;
/** 125 thousand on the local contracts, and room for a token that does more. */
const DEPOSIT_GAS = 250_000n;

export type DepositPayment = ChannelPayment & { readonly deposit: Deposit };

export type DepositOutcome =
  /** `transaction` is empty when somebody else has sent it. */
  | { readonly kind: 'made'; readonly transaction: Hex | '' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'in_doubt'; readonly transaction?: Hex | undefined };

/** Puts payers' money into their channels: it stays theirs, so nothing of it is on the books. */
@Injectable()
export class ChannelDeposits {
  constructor(
    private readonly networks: NetworksService,
    private readonly settler: Settler,
  ) {}

  /**
   * Why a deposit cannot be made; `'made'` when it was made before: a repeat of the request finds its money there.
   * @throws when the node does not answer.
   */
  async check(payment: DepositPayment): Promise<Refusal | 'made' | undefined> {
    const { config, deposit, accepted } = payment;
    const { reader, chainId, config: network } = this.networks.of(accepted.network);
    const now = BigInt(Math.floor(Date.now() / 1000));
    const nonce = nonceOf(payment);
    const { used, balance } = await payerState(reader, { token: config.token, payer: config.payer, nonce3009: nonce });
    if (used) return 'made';
    if (deposit.amount < (network.channels?.minDepositAtoms ?? 0n)) return channelRefusal('deposit_below_min_deposit');
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
  }

  /** Sends a deposit that is not `made`, once, however often it is asked for. Never throws: trouble of any kind is doubt. */
  async make(payment: DepositPayment, made: boolean): Promise<DepositOutcome> {
    const { config, deposit, accepted } = payment;
    const { id: network, reader } = this.networks.of(accepted.network);
    const nonce = nonceOf(payment);
    const reference = `channel-deposit:${network}:${config.payer}:${nonce}`;
    const happened = ({ logs }: TransactionReceipt): boolean =>
      parseEventLogs({
        abi: EIP3009_ABI,
        logs,
        eventName: 'AuthorizationUsed',
        args: { authorizer: config.payer, nonce },
      }).some(({ address }) => isAddressEqual(address, config.token));
    try {
      const before = await this.settler.outcomeOf(reference, happened);
      if (before.kind === 'succeeded') return { kind: 'made', transaction: before.transaction };
      if (made) return { kind: 'made', transaction: '' };
      if (before.kind === 'in_doubt') return before;
      const code = await reader.getCode({ address: config.payer });
      const outcome = await this.settler.send(
        {
          network,
          reference,
          to: BATCH_SETTLEMENT,
          data: depositCall(config, deposit.amount, erc3009CollectorData(deposit)),
          gas: DEPOSIT_GAS,
          // A contract wallet checks its own signature, in its own code.
          alone: code !== undefined,
        },
        happened,
      );
      if (outcome.kind === 'succeeded') return { kind: 'made', transaction: outcome.transaction };
      return outcome.kind === 'in_doubt' ? outcome : { kind: 'refused' };
    } catch {
      return { kind: 'in_doubt' };
    }
  }
}

const nonceOf = ({ channelId, deposit }: DepositPayment): Hex => depositNonce(channelId, deposit.salt);
