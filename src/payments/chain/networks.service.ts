import { Inject, Injectable } from '@nestjs/common';
import type { Hex, PublicClient } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import type { NetworkConfig } from '../../config/network-config';
import { readerOf } from '../../evm/evm.client';

/** One chain that USDC is taken on. */
export interface ChainNetwork {
  readonly id: string;
  readonly chainId: number;
  readonly config: NetworkConfig;
  /** Asks its nodes in turn, until one answers. */
  readonly reader: PublicClient;
  /** Each of its nodes: what is sent goes to all of them. */
  readonly nodes: readonly PublicClient[];
  /** Of our hot wallets, lower case: whoever sends for us. */
  readonly addresses: readonly Hex[];
}

/** The chains of the configuration. */
@Injectable()
export class NetworksService {
  private readonly networks: readonly ChainNetwork[];

  constructor(@Inject(CONFIG) config: Config) {
    this.networks = (config.x402?.networks ?? []).map((network) => ({
      id: network.id,
      chainId: Number(network.id.split(':')[1]),
      config: network,
      reader: readerOf(network),
      nodes: network.rpcUrls.map((url) => readerOf({ id: network.id, rpcUrls: [url] })),
      addresses: network.privateKeys.map((key) => privateKeyToAccount(key).address.toLowerCase() as Hex),
    }));
  }

  all(): readonly ChainNetwork[] {
    return this.networks;
  }

  find(id: string): ChainNetwork | undefined {
    return this.networks.find((network) => network.id === id);
  }

  /** @throws when USDC is not taken there. */
  of(id: string): ChainNetwork {
    const found = this.find(id);
    if (!found) throw new Error(`${id} is not configured.`);
    return found;
  }

  /** The first one. @throws when payments in USDC are not configured. */
  get primary(): ChainNetwork {
    const [first] = this.networks;
    if (!first) throw new Error('Payments in USDC are not configured.');
    return first;
  }
}
