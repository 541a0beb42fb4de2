import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { formatTransactionReceipt, type Hex, type RpcTransactionReceipt, type TransactionReceipt } from 'viem';
import { type ChainNetwork, NetworksService } from './networks.service';

/** How often a new block is asked for while somebody waits. */
const POLL_MS = 100;
/** A receipt that no block brought is asked for by its hash this often: its block was there before anybody waited. */
const ASK_AGAIN_MS = 2_000;

/** Waits for receipts: one look at each new block serves everybody who waits on its chain. */
@Injectable()
export class ReceiptsService implements OnApplicationShutdown {
  private readonly watches = new Map<string, ReceiptWatch>();

  constructor(private readonly networks: NetworksService) {}

  /** The receipt, as soon as the transaction is mined; `undefined` when it is not within `milliseconds`. Never throws. */
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
  asked: number;
}

class ReceiptWatch {
  private readonly waiters = new Map<Hex, Waiter[]>();
  private timer: NodeJS.Timeout | undefined;
  private block = -1n;

  constructor(private readonly network: ChainNetwork) {}

  wait(hash: Hex, milliseconds: number): Promise<TransactionReceipt | undefined> {
    return new Promise((resolve) => {
      const waiter = { resolve, until: Date.now() + milliseconds, asked: Date.now() };
      const others = this.waiters.get(hash);
      if (others) return void others.push(waiter);
      this.waiters.set(hash, [waiter]);
      void this.ask(hash);
      this.timer ??= setTimeout(() => void this.look(), POLL_MS);
    });
  }

  stop(): void {
    clearTimeout(this.timer);
    for (const hash of this.waiters.keys()) this.resolve(hash, undefined);
  }

  /** Blocks that came since the last look; a node that does not answer is asked again. */
  private async look(): Promise<void> {
    try {
      const number = await this.network.reader.getBlockNumber({ cacheTime: 0 });
      if (number !== this.block) {
        this.block = number;
        await this.readBlock(number);
      }
    } catch {
      // Whoever waits is told nothing; the next look may be answered.
    }
    const now = Date.now();
    for (const [hash, waiters] of this.waiters) {
      if (waiters.every(({ until }) => until <= now)) this.resolve(hash, undefined);
      else if (waiters.some(({ asked }) => now - asked > ASK_AGAIN_MS)) {
        for (const waiter of waiters) waiter.asked = now;
        void this.ask(hash);
      }
    }
    this.timer = this.waiters.size === 0 ? undefined : setTimeout(() => void this.look(), POLL_MS);
  }

  private async readBlock(number: bigint): Promise<void> {
    const receipts = await this.network.reader.request<{
      Method: 'eth_getBlockReceipts';
      Parameters: [Hex];
      ReturnType: readonly RpcTransactionReceipt[] | null;
    }>({ method: 'eth_getBlockReceipts', params: [`0x${number.toString(16)}`] });
    for (const receipt of receipts ?? []) {
      if (this.waiters.has(receipt.transactionHash)) {
        this.resolve(receipt.transactionHash, formatTransactionReceipt(receipt));
      }
    }
  }

  private async ask(hash: Hex): Promise<void> {
    const receipt = await this.network.reader.getTransactionReceipt({ hash }).catch(() => undefined);
    if (receipt) this.resolve(hash, receipt);
  }

  private resolve(hash: Hex, receipt: TransactionReceipt | undefined): void {
    const waiters = this.waiters.get(hash) ?? [];
    this.waiters.delete(hash);
    for (const { resolve } of waiters) resolve(receipt);
  }
}
