import { Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { NetworksService } from './networks.service';

/** The hot wallets of each network: the keys that pay gas, and take turns. */
@Injectable()
export class KeyPool {
  private readonly keys: ReadonlyMap<string, readonly PrivateKeyAccount[]>;
  private turn = 0;

  constructor(networks: NetworksService) {
    this.keys = new Map(
      networks.all().map(({ id, config }) => [id, config.privateKeys.map((key) => privateKeyToAccount(key))]),
    );
  }

  /**
   * The key that sends next.
   * @throws when the network has none, or not the one that must send.
   */
  pick(network: string, sender?: Hex): PrivateKeyAccount {
    const keys = this.of(network);
    const key =
      sender === undefined
        ? keys[this.turn++ % Math.max(keys.length, 1)]
        : keys.find(({ address }) => address.toLowerCase() === sender.toLowerCase());
    if (!key)
      throw new Error(`${network} has no key${sender === undefined ? '' : ` of ${sender}`}: see EVM_PRIVATE_KEY.`);
    return key;
  }

  of(network: string): readonly PrivateKeyAccount[] {
    return this.keys.get(network) ?? [];
  }
}
