import { Inject, Injectable } from '@nestjs/common';
import { createPublicClient, defineChain, http, type PublicClient } from 'viem';
import { CONFIG } from '../config/config.module';
import type { Config, X402Config } from '../config/config';

/** How often a receipt is asked for. Base makes a block every 2 s; a local chain mines at once. */
const POLLING_MS = 200;

/** The chain that payments are settled on: reading only. */
@Injectable()
export class EvmClient {
  readonly public: PublicClient;
  readonly chainId: number;

  constructor(@Inject(CONFIG) config: Config) {
    const { network, rpcUrl } = config.x402 ?? NOWHERE;
    this.chainId = Number(network.split(':')[1]);
    this.public = createPublicClient({
      chain: chainOf(this.chainId, rpcUrl),
      transport: http(rpcUrl, { batch: true, timeout: 20_000, retryCount: 2 }),
      pollingInterval: POLLING_MS,
      cacheTime: 0,
    });
  }
}

const chainOf = (id: number, rpcUrl: string) =>
  defineChain({
    id,
    name: `eip155:${id}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });

/** Without a chain in the configuration nothing asks this client. */
const NOWHERE: Pick<X402Config, 'network' | 'rpcUrl'> = { network: 'eip155:1', rpcUrl: 'http://127.0.0.1:9' };
