import type { Hex, PublicClient } from 'viem';

/** Balances are asked for once in this time while something is sent: a settlement takes a millionth of the usual one. */
const FRESH_MS = 10_000;

/** The gas money of our keys on one chain, as it was seen last. A chain that is silent changes nothing. */
export class GasBalances {
  private readonly seen = new Map<string, bigint>();
  private lookedAt = 0;
  private looking: Promise<void> | undefined;

  /** `addresses` in lower case. A key with less than `alarmWei` is low. */
  constructor(
    private readonly reader: Pick<PublicClient, 'getBalance'>,
    private readonly addresses: readonly Hex[],
    private readonly alarmWei: bigint,
  ) {}

  /** Resolves once they are known, at once but for the first time; old ones are asked for again meanwhile. Never throws. */
  async known(): Promise<void> {
    if (Date.now() - this.lookedAt >= FRESH_MS) this.look().catch(() => undefined);
    if (this.seen.size === 0) await this.looking?.catch(() => undefined);
  }

  /** Asks now. @throws when the chain does not answer. */
  look(): Promise<void> {
    this.lookedAt = Date.now();
    this.looking ??= this.ask().finally(() => (this.looking = undefined));
    return this.looking;
  }

  /** In wei; `undefined` when it was never seen. */
  of(address: string): bigint | undefined {
    return this.seen.get(address.toLowerCase());
  }

  /** What was never seen is not low. */
  isLow(address: string): boolean {
    const wei = this.of(address);
    return wei !== undefined && wei < this.alarmWei;
  }

  /** The keys that may be used: those with gas money, and all where none has any. */
  inRotation(): readonly Hex[] {
    const fit = this.addresses.filter((address) => !this.isLow(address));
    return fit.length === 0 ? this.addresses : fit;
  }

  private async ask(): Promise<void> {
    const balances = await Promise.all(this.addresses.map((address) => this.reader.getBalance({ address })));
    for (const [index, address] of this.addresses.entries()) this.seen.set(address, balances[index] as bigint);
  }
}
