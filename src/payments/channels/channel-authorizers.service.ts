import { Inject, Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import { privateKeyToAddress, sign } from 'viem/accounts';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import type { NetworkConfig } from '../../config/network-config';
import { channelIdOf, claimBatchDigest, refundDigest } from '../../evm/typed-digest';
import type { VoucherClaim } from './channel-contract';
import { chainIdOf } from './channel-payment';

/** A network with channels, and the key that signs for their receiver. */
interface Authorizer {
  readonly network: NetworkConfig;
  readonly address: Hex;
  readonly key: Hex;
}

/** Signs for the receiver of channels: with its signature anybody may claim and refund, so any hot wallet can send it. */
@Injectable()
export class ChannelAuthorizers {
  private readonly authorizers: readonly Authorizer[];

  constructor(@Inject(CONFIG) config: Config) {
    this.authorizers = (config.x402?.networks ?? []).flatMap((network) => {
      const { channels, authorizerKey: key } = network;
      return channels && key !== undefined ? [{ network, address: privateKeyToAddress(key), key }] : [];
    });
  }

  /** Where channels are offered. */
  all(): readonly Omit<Authorizer, 'key'>[] {
    return this.authorizers;
  }

  async signClaims(network: string, claims: readonly VoucherClaim[]): Promise<Hex> {
    const chainId = chainIdOf(network);
    const entries = claims.map(({ config, max, totalClaimed }) => ({
      channelId: channelIdOf(chainId, config),
      maxClaimableAmount: max,
      totalClaimed,
    }));
    return this.sign(network, claimBatchDigest(chainId, entries));
  }

  async signRefund(network: string, refund: { channelId: Hex; nonce: bigint; amount: bigint }): Promise<Hex> {
    return this.sign(network, refundDigest(chainIdOf(network), refund));
  }

  private sign(network: string, hash: Hex): Promise<Hex> {
    return sign({ hash, privateKey: this.of(network).key, to: 'hex' });
  }

  private of(id: string): Authorizer {
    const found = this.authorizers.find(({ network }) => network.id === id);
    if (!found) throw new Error(`Channels are not configured on ${id}.`);
    return found;
  }
}
