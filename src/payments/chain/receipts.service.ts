import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Hex, TransactionReceipt } from 'viem';
import { NewHeads } from '../../evm/new-heads';
import { confirmedReceipt } from './confirmed-receipt';
import { type ChainNetwork, NetworksService } from './networks.service';

/** How often a new block is asked for while somebody waits; seldom while a node tells of them. */
const POLL_MS = 100;
const POLL_BESIDE_MS = 2_000;

/** Waits for receipts: one question at each new block, for everybody who waits on its chain. */
@Injectable()
export class ReceiptsService implements OnApplicationShutdown {
  private readonly watches = new Map<string, ReceiptWatch>();

  constructor(private readonly networks: NetworksService) {}

  /** The receipt, as soon as the transaction has its confirmations; `undefined` when it is not within `milliseconds`. Never throws. */
  wait(network: string, hash: Hex, milliseconds: number): Promise<TransactionReceipt | undefined> {
    const watch = this.watches.get(network) ?? new ReceiptWatch(this.networks.of(network));
    this.watches.set(network, watch);
    return watch.wait(hash, milliseconds);
  }

  onApplicationShutdown(): void {
    for (const watch of this.watches.values()) watch.stop();
  }
}

interface Waiter {
  readonly resolve: (receipt: TransactionReceipt | undefined) => void;
  readonly until: number;
}

class ReceiptWatch {
  private readonly waiters = new Map<Hex, Waiter[]>();
  private readonly heads: NewHeads | undefined;
  private timer: NodeJS.Timeout | undefined;
  private block = -1n;
  /** How often there was reason to ask. */
  private told = 0;

  constructor(private readonly network: ChainNetwork) {
    const { wsUrl } = network.config;
    if (wsUrl === undefined) return;
    const listener = { onBlock: () => this.askForAll(), onLost: () => void this.look() };
    this.heads = new NewHeads(wsUrl, listener);
  }

  wait(hash: Hex, milliseconds: number): Promise<TransactionReceipt | undefined> {
    return new Promise((resolve) => {
      const waiter = { resolve, until: Date.now() + milliseconds };
      const others = this.waiters.get(hash);
      if (others) return void others.push(waiter);
      this.waiters.set(hash, [waiter]);
      void this.ask(hash);
      this.timer ??= this.nextLook();
    });
  }

  stop(): void {
    clearTimeout(this.timer);
    this.heads?.stop();
    for (const hash of this.waiters.keys()) this.resolve(hash, undefined);
  }

  private nextLook(): NodeJS.Timeout {
    return setTimeout(() => void this.look(), this.heads?.isLive === true ? POLL_BESIDE_MS : POLL_MS);
  }

  private async look(): Promise<void> {
    clearTimeout(this.timer);
    try {
      const number = await this.network.reader.getBlockNumber({ cacheTime: 0 });
      if (number !== this.block) this.askForAll();
      this.block = number;
    } catch {
      // Whoever waits is told nothing; the next look may be answered.
    }
    const now = Date.now();
    for (const [hash, waiters] of this.waiters) {
      if (waiters.every(({ until }) => until <= now)) this.resolve(hash, undefined);
    }
    clearTimeout(this.timer);
    this.timer = this.waiters.size === 0 ? undefined : this.nextLook();
  }

  /** One request: the reader sends what is asked at one time together. */
  private askForAll(): void {
    this.told++;
    for (const hash of this.waiters.keys()) void this.ask(hash);
  }

  private async ask(hash: Hex): Promise<void> {
    const { told } = this;
    try {
      const receipt = await confirmedReceipt(this.network, hash);
      if (receipt !== undefined && receipt !== 'unconfirmed') return this.resolve(hash, receipt);
      // A block that came while this was asked may not be in the answer, and was perhaps the last one for long.
      if (told !== this.told && this.waiters.has(hash)) await this.ask(hash);
    } catch {
      // Not mined yet is told by the next block; a node that did not answer is asked again without one.
      this.block = -1n;
    }
  }

  private resolve(hash: Hex, receipt: TransactionReceipt | undefined): void {
    const waiters = this.waiters.get(hash) ?? [];
    this.waiters.delete(hash);
    for (const { resolve } of waiters) resolve(receipt);
  }
}
