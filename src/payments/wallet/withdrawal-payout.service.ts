import { Injectable } from '@nestjs/common';
import { authorizationTypes } from '@x402/evm';
import {
  encodeFunctionData,
  type Hex,
  isAddressEqual,
  parseAbi,
  parseEventLogs,
  parseSignature,
  type TransactionReceipt,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { ceilDivide } from '../../common/money';
import { EIP3009_ABI } from '../../evm/eip3009';
import type { CallOutcome } from '../chain/chain-call';
import { type ChainNetwork, NetworksService } from '../chain/networks.service';
import { Settler } from '../chain/settler.service';
import { nonceOf, referenceOf, type Withdrawal } from './withdrawal';

/** What became of a withdrawal on the chain. `lapsed`: no block can include it any more. */
export type Payout = { readonly kind: 'landed'; readonly transaction: string } | { readonly kind: 'open' | 'lapsed' };

/** Twice what a USDC transfer by authorization takes. */
const GAS = 120_000n;
const WEI_PER_COIN = 10n ** 18n;
const LOG_BLOCKS = 2_000n;

/** Pays withdrawals out of `payTo` by authorizations that its own key signs (EIP-3009); a hot wallet pays the gas. */
@Injectable()
export class WithdrawalPayout {
  constructor(
    private readonly networks: NetworksService,
    private readonly settler: Settler,
  ) {}

  /** The network that withdrawals leave on; `undefined` when the key of its `payTo` is not configured. */
  get network(): ChainNetwork | undefined {
    const [network] = this.networks.all();
    const key = network?.config.payoutKey;
    if (!network || key === undefined || network.addresses.length === 0) return undefined;
    return isAddressEqual(privateKeyToAccount(key).address, network.config.payTo) ? network : undefined;
  }

  /** What the gas of one withdrawal is worth now, in micro-USDC rounded up. @throws when the chain does not answer. */
  async fee({ reader, config }: ChainNetwork): Promise<bigint> {
    const { maxFeePerGas } = await reader.estimateFeesPerGas();
    const nanoUsd = ceilDivide(GAS * maxFeePerGas * config.gas.usdPerCoin, WEI_PER_COIN);
    return ceilDivide(nanoUsd, 1000n);
  }

  /** What `payTo` has, in micro-USDC. @throws when the chain does not answer. */
  float({ reader, config }: ChainNetwork): Promise<bigint> {
    const args = [config.payTo] as const;
    return reader.readContract({ address: config.asset.address, abi: TOKEN_ABI, functionName: 'balanceOf', args });
  }

  /** Sends it and waits for its block. Safe to repeat: its nonce is used once. Never throws. */
  async send(withdrawal: Withdrawal): Promise<CallOutcome> {
    const network = this.networks.of(withdrawal.network);
    return this.settler.send(
      {
        network: network.id,
        reference: referenceOf(withdrawal),
        to: network.config.asset.address,
        data: await callData(withdrawal, network),
        gas: GAS,
        alone: true,
      },
      (receipt) => paidIn(receipt, withdrawal, network),
    );
  }

  /** Asks the chain, whoever sent it. @throws when the chain does not answer. */
  async find(withdrawal: Withdrawal): Promise<Payout> {
    const network = this.networks.of(withdrawal.network);
    const { reader, config } = network;
    const block = await reader.getBlock();
    const used = await reader.readContract({
      address: config.asset.address,
      abi: EIP3009_ABI,
      functionName: 'authorizationState',
      args: [config.payTo, nonceOf(withdrawal)],
      blockNumber: block.number,
    });
    if (used) return { kind: 'landed', transaction: await this.transactionOf(withdrawal, network, block.number) };
    return { kind: block.timestamp * 1000n > BigInt(withdrawal.validBefore.getTime()) ? 'lapsed' : 'open' };
  }

  /** Ours, or that of somebody who saw the authorization and sent it first: it moved the same money. */
  private async transactionOf(withdrawal: Withdrawal, network: ChainNetwork, latest: bigint): Promise<string> {
    const happened = (receipt: TransactionReceipt) => paidIn(receipt, withdrawal, network);
    const outcome = await this.settler.outcomeOf(referenceOf(withdrawal), happened);
    if (outcome.kind === 'succeeded') return outcome.transaction;
    const [used] = await network.reader.getContractEvents({
      address: network.config.asset.address,
      abi: EIP3009_ABI,
      eventName: 'AuthorizationUsed',
      args: { authorizer: network.config.payTo, nonce: nonceOf(withdrawal) },
      fromBlock: latest > LOG_BLOCKS ? latest - LOG_BLOCKS : 0n,
      toBlock: latest,
    });
    if (!used) throw new Error(`${withdrawal.id}: its authorization is used, and no log says by what`);
    return used.transactionHash;
  }
}

function paidIn({ logs }: TransactionReceipt, withdrawal: Withdrawal, { config }: ChainNetwork): boolean {
  const ofToken = logs.filter(({ address }) => isAddressEqual(address, config.asset.address));
  const args = { authorizer: config.payTo, nonce: nonceOf(withdrawal) };
  return parseEventLogs({ abi: EIP3009_ABI, logs: ofToken, eventName: 'AuthorizationUsed', args }).length > 0;
}

/** The same for ever, but for the signature. */
async function callData(withdrawal: Withdrawal, { chainId, config }: ChainNetwork): Promise<Hex> {
  const { address, name, version } = config.asset;
  const message = {
    from: config.payTo,
    to: withdrawal.to,
    value: withdrawal.atoms,
    validAfter: 0n,
    validBefore: BigInt(Math.floor(withdrawal.validBefore.getTime() / 1000)),
    nonce: nonceOf(withdrawal),
  };
  const signature = await privateKeyToAccount(config.payoutKey as Hex).signTypedData({
    domain: { name, version, chainId, verifyingContract: address },
    types: authorizationTypes,
    primaryType: 'TransferWithAuthorization',
    message,
  });
  const { r, s, yParity } = parseSignature(signature);
  const { from, to, value, validAfter, validBefore, nonce } = message;
  return encodeFunctionData({
    abi: TOKEN_ABI,
    functionName: 'transferWithAuthorization',
    args: [from, to, value, validAfter, validBefore, nonce, 27 + yParity, r, s],
  });
}

const TOKEN_ABI = parseAbi([
  'function balanceOf(address owner) view returns (uint256)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
]);
