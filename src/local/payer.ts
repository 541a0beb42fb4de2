import type { Network, SchemeNetworkClient } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

/**
 * A `fetch` that pays what it is asked for, as any x402 client would: the published package with its default settings.
 *
 * @param network CAIP-2, such as `eip155:84532`.
 */
export function fetchPayingBy(network: Network, client: SchemeNetworkClient): typeof fetch {
  return wrapFetchWithPaymentFromConfig(fetch, { schemes: [{ network, client }] });
}

/** The same with a wallet's USDC, by `exact`. */
export const payingFetch = (privateKey: string, network: `eip155:${number}`): typeof fetch =>
  fetchPayingBy(network, new ExactEvmScheme(privateKeyToAccount(privateKey as Hex)));
