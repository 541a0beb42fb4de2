import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Hex, PublicClient } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import type { NetworkConfig } from '../../config/network-config';
import { ChainNodes } from '../../evm/chain-nodes';
import { IMPLEMENTATION } from '../../evm/secp256k1';
import { GasBalances } from './gas-balances';

/** One chain that USDC is taken on. */
export interface ChainNetwork {
  readonly id: string;
  readonly chainId: number;
  readonly config: NetworkConfig;
  /** Its nodes: which one is asked, and whether any answers. */
  readonly nodes: ChainNodes;
  /** Asks whichever node answers. */
  readonly reader: PublicClient;
  /** Of our hot wallets, lower case: whoever sends for us. */
  readonly addresses: readonly Hex[];
  /** What these have to pay gas with. */
  readonly gas: GasBalances;
}

/** The chains of the configuration. */
@Injectable()
export class NetworksService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('NetworksService');
  private readonly networks: readonly ChainNetwork[];

  constructor(@Inject(CONFIG) config: Config) {
    this.networks = (config.x402?.networks ?? []).map((network) => {
      const nodes = this.nodesOf(network);
      const addresses = network.privateKeys.map((key) => privateKeyToAccount(key).address.toLowerCase() as Hex);
      return {
        id: network.id,
        chainId: Number(network.id.split(':')[1]),
        config: network,
        nodes,
        reader: nodes.reader,
        addresses,
        gas: new GasBalances(nodes.reader, addresses, network.gas.alarmWei),
      };
    });
  }

  /** Twenty times as many signatures a second are judged by the first choice as by the last. */
  onModuleInit(): void {
    if (this.networks.length > 0) this.logger.log(`Signatures are judged by the ${IMPLEMENTATION} secp256k1`);
  }

  onApplicationShutdown(): void {
    for (const { nodes } of this.networks) nodes.stop();
  }

  all(): readonly ChainNetwork[] {
    return this.networks;
  }

  /** Those of which no node answers: nothing can be paid there now. */
  away(): readonly ChainNetwork[] {
    return this.networks.filter(({ nodes }) => nodes.circuit.isOpen);
  }

  /** `false` also for what is no network of ours. */
  isAway(id: string): boolean {
    return this.away().some((network) => network.id === id);
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

  private nodesOf(network: NetworkConfig): ChainNodes {
    const { id, rpcUrls } = network;
    return new ChainNodes(network, {
      // A URL may have a key in it: nodes are named by their host.
      moved: (from, to) => this.logger.warn(`${id}: ${hostOf(rpcUrls[from])} is left for ${hostOf(rpcUrls[to])}`),
      changed: (from, to) => {
        if (to === 'open' && from === 'suspect') this.logger.error(`ALERT chain_unavailable: no node of ${id} answers`);
        if (to === 'closed' && from === 'half_open') this.logger.log(`${id} answers again`);
      },
    });
  }
}

/** The host of a node, without what may be secret in its URL. */
export const hostOf = (url: string | undefined): string => (url === undefined ? '' : new URL(url).host);
