import { Injectable } from '@nestjs/common';
import { formatEther } from 'viem';
import { DatabaseService } from '../database/database.service';
import type { CircuitState } from '../evm/circuit';
import { type ChainNetwork, hostOf, NetworksService } from './chain/networks.service';

/** How one network is doing, as this process sees it. Nothing in it is secret: nodes are named by their host. */
export interface NetworkStatus {
  /** CAIP-2. */
  readonly network: string;
  readonly payTo: string;
  readonly asset: string;
  readonly confirmations: number;
  /** While it is `open` or `half_open`, nothing is offered there. */
  readonly circuit: { readonly state: CircuitState; readonly since: Date };
  /** The host that is asked now. */
  readonly node: string;
  readonly nodes: readonly { readonly host: string; readonly block: bigint | null }[];
  readonly signers: readonly SignerStatus[];
  readonly alarms: readonly { readonly code: 'chain_unavailable' | 'node_away' | 'gas_low'; readonly detail: string }[];
}

export interface SignerStatus {
  readonly address: string;
  /** The nonce of its next transaction; `null` when it has sent none. */
  readonly nextNonce: bigint | null;
  /** Transactions that are sent and not final. */
  readonly inFlight: number;
  /** In the chain's coin, a plain decimal; `null` when it was never seen. */
  readonly gas: string | null;
  readonly isLow: boolean;
}

/** What an operator asks about the chains. */
@Injectable()
export class ChainStatus {
  constructor(
    private readonly database: DatabaseService,
    private readonly networks: NetworksService,
  ) {}

  /** Asks every node now; one that does not answer within two seconds is away. */
  all(): Promise<NetworkStatus[]> {
    return Promise.all(this.networks.all().map((network) => this.statusOf(network)));
  }

  private async statusOf(network: ChainNetwork): Promise<NetworkStatus> {
    const { id, config, nodes, gas } = network;
    const [blocks, signers] = await Promise.all([
      nodes.blocks(),
      this.signersOf(network),
      gas.look().catch(() => undefined), // then what was seen last is shown
    ]);
    const named = config.rpcUrls.map((url, at) => ({ host: hostOf(url), block: blocks[at] ?? null }));
    const { state, since } = nodes.circuit;
    return {
      network: id,
      payTo: config.payTo,
      asset: config.asset.address,
      confirmations: config.confirmations,
      circuit: { state, since },
      node: hostOf(nodes.currentUrl),
      nodes: named,
      signers: signers.map((signer) => ({ ...signer, ...gasOf(network, signer.address) })),
      alarms: [
        ...(nodes.circuit.isOpen ? [alarm('chain_unavailable', `No node of ${id} answers.`)] : []),
        ...named
          .filter(({ block }) => block === null)
          .map(({ host }) => alarm('node_away', `${host} does not answer.`)),
        ...network.addresses
          .filter((address) => gas.isLow(address))
          .map((address) => alarm('gas_low', `${address} has less than ${formatEther(config.gas.alarmWei)}.`)),
      ],
    };
  }

  private signersOf({
    id,
    addresses,
  }: ChainNetwork): Promise<Pick<SignerStatus, 'address' | 'nextNonce' | 'inFlight'>[]> {
    return this.database.query(
      `SELECT mine.address, max(next_nonce) AS "nextNonce", count(hash)::int AS "inFlight"
         FROM unnest($2::text[]) WITH ORDINALITY AS mine (address, position)
         LEFT JOIN chain_signers signer ON signer.network = $1 AND lower(signer.address) = mine.address
         LEFT JOIN chain_transactions open
           ON open.network = $1 AND lower(open.signer) = mine.address AND open.state = 'signed'
        GROUP BY mine.address, position ORDER BY position`,
      [id, addresses],
    );
  }
}

const alarm = (code: NetworkStatus['alarms'][number]['code'], detail: string) => ({ code, detail });

function gasOf({ gas }: ChainNetwork, address: string): Pick<SignerStatus, 'gas' | 'isLow'> {
  const wei = gas.of(address);
  return { gas: wei === undefined ? null : formatEther(wei), isLow: gas.isLow(address) };
}
