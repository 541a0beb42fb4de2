import { Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { NetworksService } from './networks.service';

/** The hot wallets of each network: the keys that pay gas, and take turns. */
@Injectable()
export class KeyPool {
  private readonly keys: ReadonlyMap<string, readonly PrivateKeyAccount[]>;
  private turn = 0;

  constructor(private readonly networks: NetworksService) {
    this.keys = new Map(
      networks.all().map(({ id, config }) => [id, config.privateKeys.map((key) => privateKeyToAccount(key))]),
    );
  }

  /**
   * The key that sends next: one that must, else each with enough gas money in its turn.
   * @throws when the network has none, or not the one that must send.
   */
  async pick(network: string, sender?: Hex): Promise<PrivateKeyAccount> {
    const address = (sender ?? (await this.next(network)))?.toLowerCase();
    const key = this.of(network).find((one) => one.address.toLowerCase() === address);
    if (!key)
      throw new Error(`${network} has no key${sender === undefined ? '' : ` of ${sender}`}: see EVM_PRIVATE_KEY.`);
    return key;
  }

  of(network: string): readonly PrivateKeyAccount[] {
    return this.keys.get(network) ?? [];
  }

  private async next(network: string): Promise<Hex | undefined> {
    const { gas } = this.networks.of(network);
    await gas.known();
    const able = gas.inRotation();
    return able[this.turn++ % Math.max(able.length, 1)];
  }
}
