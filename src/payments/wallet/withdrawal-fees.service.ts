import { Injectable } from '@nestjs/common';
import { encodeFunctionData, keccak256, parseAbi, serializeTransaction, toHex } from 'viem';
import { usdToUsdcAtPar } from '../../common/money';
import { GAS_PRICE_ORACLE } from '../../evm/contracts';
import { EIP3009_ABI } from '../../evm/eip3009';
import { valueOfGas } from '../chain/gas-value';
import type { ChainNetwork } from '../chain/networks.service';

/** Twice what a USDC transfer by authorization takes. */
export const WITHDRAWAL_GAS = 120_000n;
const FRESH_MS = 3_000;

/** States what a withdrawal costs on its network, before it is asked for. */
@Injectable()
export class WithdrawalFees {
  private readonly asked = new Map<string, { readonly at: number; readonly wei: Promise<bigint> }>();

  /**
   * What one withdrawal costs to send now, in micro-USDC rounded up. Anybody may ask: the chain is asked once in a few
   * seconds. @throws when the chain does not answer.
   */
  async feeOn(network: ChainNetwork): Promise<bigint> {
    const asked = this.asked.get(network.id);
    if (asked && Date.now() - asked.at < FRESH_MS) return inUsdc(network, await asked.wei);
    const wei = costOf(network);
    this.asked.set(network.id, { at: Date.now(), wei });
    wei.catch(() => this.asked.delete(network.id));
    return inUsdc(network, await wei);
  }
}

const inUsdc = ({ config }: ChainNetwork, wei: bigint): bigint => usdToUsdcAtPar(valueOfGas(wei, config.gas)).atoms;

async function costOf(network: ChainNetwork): Promise<bigint> {
  const { reader, config } = network;
  const [{ maxFeePerGas }, forData] = await Promise.all([
    reader.estimateFeesPerGas(),
    config.opStack ? dataFeeOf(network) : 0n,
  ]);
  return WITHDRAWAL_GAS * maxFeePerGas + forData;
}

/** What the chain below takes for the data of one withdrawal (OP stack, predeploy `GasPriceOracle`), in wei. */
const dataFeeOf = ({ reader, chainId, config }: ChainNetwork): Promise<bigint> =>
  reader.readContract({
    address: GAS_PRICE_ORACLE,
    abi: ORACLE_ABI,
    functionName: 'getL1Fee',
    args: [exampleFor(chainId, config.asset.address)],
  });

/** A withdrawal as long, and as hard to compress, as any: the oracle adds the signature itself. */
function exampleFor(chainId: number, token: `0x${string}`): `0x${string}` {
  const noise = keccak256(toHex('withdrawal'));
  const address = `0x${noise.slice(-40)}` as const;
  const value = 10n ** 12n;
  const until = BigInt(Math.floor(Date.now() / 1000));
  const args = [address, address, value, 0n, until, noise, 27, keccak256(noise), keccak256(keccak256(noise))] as const;
  const data = encodeFunctionData({ abi: EIP3009_ABI, functionName: 'transferWithAuthorization', args });
  const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 9n };
  return serializeTransaction({
    type: 'eip1559',
    chainId,
    to: token,
    nonce: 10 ** 6,
    gas: WITHDRAWAL_GAS,
    ...fees,
    data,
  });
}

const ORACLE_ABI = parseAbi(['function getL1Fee(bytes unsignedTransaction) view returns (uint256)']);
