import { Injectable } from '@nestjs/common';
import { authorizationTypes } from '@x402/evm';
import {
  encodeFunctionData,
  erc20Abi,
  type Hex,
  isAddressEqual,
  parseEventLogs,
  parseSignature,
  type TransactionReceipt,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { EIP3009_ABI } from '../../evm/eip3009';
import { type ChainNetwork, NetworksService } from '../chain/networks.service';
import { Settler } from '../chain/settler.service';
import { nonceOf, referenceOf, type Withdrawal } from './withdrawal';
import { WITHDRAWAL_GAS } from './withdrawal-fees.service';

/** What became of a withdrawal on the chain. `lapsed`: no block can include it any more. */
export type Payout = { readonly kind: 'landed'; readonly transaction: string } | { readonly kind: 'open' | 'lapsed' };

/** Logs are asked for in a range that every node gives, and a day back on a chain with a block in two seconds. */
const LOG_BLOCKS = 2_000n;
const MAX_RANGES = 22;

/** Pays withdrawals out of `payTo` by authorizations that its own key signs (EIP-3009); a hot wallet pays the gas. */
@Injectable()
export class WithdrawalPayout {
  constructor(
    private readonly configured: NetworksService,
    private readonly settler: Settler,
  ) {}

  /** The networks that withdrawals can leave on: those of which the key of `payTo` is configured. */
  get networks(): readonly ChainNetwork[] {
    return this.configured.all().filter(({ config, addresses }) => {
      const { payoutKey: key, payTo } = config;
      return key !== undefined && addresses.length > 0 && isAddressEqual(privateKeyToAccount(key).address, payTo);
    });
  }

  /** What `payTo` has, in micro-USDC. @throws when the chain does not answer. */
  float({ reader, config }: ChainNetwork): Promise<bigint> {
    const args = [config.payTo] as const;
    return reader.readContract({ address: config.asset.address, abi: erc20Abi, functionName: 'balanceOf', args });
  }

  /**
   * Sends it and waits for its block, unless it is on its way. Safe to repeat: its nonce is used once.
   * @throws when the chain does not answer.
   */
  async send(withdrawal: Withdrawal): Promise<void> {
    const network = this.configured.of(withdrawal.network);
    const happened = (receipt: TransactionReceipt) => paidIn(receipt, withdrawal, network);
    const reference = referenceOf(withdrawal);
    if ((await this.settler.outcomeOf(reference, happened)).kind === 'in_doubt') return;
    const data = await callData(withdrawal, network);
    const to = network.config.asset.address;
    const { validBefore: validUntil } = withdrawal;
    await this.settler.send(
      { network: network.id, reference, to, data, gas: WITHDRAWAL_GAS, alone: true, validUntil },
      happened,
    );
  }

  /** Asks the chain as far as it is final, whoever sent it. @throws when the chain does not answer. */
  async find(withdrawal: Withdrawal): Promise<Payout> {
    const network = this.configured.of(withdrawal.network);
    const { reader, config } = network;
    const blockNumber = (await reader.getBlockNumber()) - BigInt(config.confirmations - 1);
    const [block, used] = await Promise.all([
      reader.getBlock({ blockNumber }),
      reader.readContract({
        address: config.asset.address,
        abi: EIP3009_ABI,
        functionName: 'authorizationState',
        args: [withdrawal.payTo, nonceOf(withdrawal)],
        blockNumber,
      }),
    ]);
    if (used) return { kind: 'landed', transaction: await this.transactionOf(withdrawal, network, blockNumber) };
    return { kind: block.timestamp * 1000n > BigInt(withdrawal.validBefore.getTime()) ? 'lapsed' : 'open' };
  }

  /** Ours, or that of somebody who saw the authorization and sent it first: it moved the same money. */
  private async transactionOf(withdrawal: Withdrawal, network: ChainNetwork, latest: bigint): Promise<string> {
    const happened = (receipt: TransactionReceipt) => paidIn(receipt, withdrawal, network);
    const outcome = await this.settler.outcomeOf(referenceOf(withdrawal), happened);
    if (outcome.kind === 'succeeded') return outcome.transaction;
    for (let to = latest, range = 0; range < MAX_RANGES && to >= 0n; range++, to -= LOG_BLOCKS) {
      const [used] = await network.reader.getContractEvents({
        address: network.config.asset.address,
        abi: EIP3009_ABI,
        eventName: 'AuthorizationUsed',
        args: { authorizer: withdrawal.payTo, nonce: nonceOf(withdrawal) },
        fromBlock: to >= LOG_BLOCKS ? to - LOG_BLOCKS + 1n : 0n,
        toBlock: to,
      });
      if (used) return used.transactionHash;
    }
    throw new Error(`${withdrawal.id}: its authorization is used, and no log of the last day says by what`);
  }
}

function paidIn({ logs }: TransactionReceipt, withdrawal: Withdrawal, { config }: ChainNetwork): boolean {
  const ofToken = logs.filter(({ address }) => isAddressEqual(address, config.asset.address));
  const args = { authorizer: withdrawal.payTo, nonce: nonceOf(withdrawal) };
  return parseEventLogs({ abi: EIP3009_ABI, logs: ofToken, eventName: 'AuthorizationUsed', args }).length > 0;
}

/** @throws when the key of the address that it was opened with is not configured any more. */
async function callData(withdrawal: Withdrawal, { chainId, config }: ChainNetwork): Promise<Hex> {
  const { address, name, version } = config.asset;
  const key = config.payoutKey === undefined ? undefined : privateKeyToAccount(config.payoutKey);
  if (!key || !isAddressEqual(key.address, withdrawal.payTo)) throw new Error(`no key of ${withdrawal.payTo}`);
  const message = {
    from: withdrawal.payTo,
    to: withdrawal.to,
    value: withdrawal.atoms,
    validAfter: 0n,
    validBefore: BigInt(Math.floor(withdrawal.validBefore.getTime() / 1000)),
    nonce: nonceOf(withdrawal),
  };
  const signature = await key.signTypedData({
    domain: { name, version, chainId, verifyingContract: address },
    types: authorizationTypes,
    primaryType: 'TransferWithAuthorization',
    message,
  });
  const { r, s, yParity } = parseSignature(signature);
  const { from, to, value, validAfter, validBefore, nonce } = message;
  return encodeFunctionData({
    abi: EIP3009_ABI,
    functionName: 'transferWithAuthorization',
    args: [from, to, value, validAfter, validBefore, nonce, 27 + yParity, r, s],
  });
}
