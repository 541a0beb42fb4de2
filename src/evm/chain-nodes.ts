import {
  BaseError,
  createPublicClient,
  createTransport,
  defineChain,
  http,
  HttpRequestError,
  LimitExceededRpcError,
  type PublicClient,
  ResourceUnavailableRpcError,
  TimeoutError,
} from 'viem';
import { within } from '../common/within';
import type { NetworkConfig } from '../config/network-config';
import { Circuit, type CircuitState } from './circuit';

/** How often a receipt is asked for. Base makes a block every 2 s; a local chain mines at once. */
const POLLING_MS = 200;
/** A node that says nothing for so long is away: a caller waits for it, and then for the next one. */
const TIMEOUT_MS = 8_000;
const PROBE_TIMEOUT_MS = 2_000;
/** So long another node is kept, before those that stand before it are asked whether they are back. */
const RETURN_MS = 5_000;

/** Heard of what happens to the nodes: for the log. */
export interface NodesListener {
  /** Positions in the list of nodes. */
  moved?(from: number, to: number): void;
  changed?(from: CircuitState, to: CircuitState): void;
}

/**
 * The nodes of one chain. One is asked, as long as it answers; the next one when it does not; the first one again once
 * it has caught up. When none answers, questions fail at once until one does.
 */
export class ChainNodes {
  /** Asks whichever node answers. Questions of one tick are one request. */
  readonly reader: PublicClient;
  /** Each node by itself: what is sent goes to all of them, whatever the circuit says. */
  readonly each: readonly PublicClient[];
  readonly circuit: Circuit;
  private current = 0;
  private returnAt = 0;

  constructor(
    private readonly network: Pick<NetworkConfig, 'id' | 'rpcUrls'>,
    private readonly listener: NodesListener = {},
  ) {
    const chain = chainOf(network);
    const options = { chain, pollingInterval: POLLING_MS, cacheTime: 0 };
    const transports = network.rpcUrls.map((url) => http(url, { batch: true, timeout: TIMEOUT_MS, retryCount: 0 }));
    this.each = transports.map((transport) => createPublicClient({ ...options, transport }));
    this.circuit = new Circuit(
      () => this.isAnyThere(),
      (from, to) => this.listener.changed?.(from, to),
    );
    const request = (args: Question): Promise<unknown> => this.ask(args);
    this.reader = createPublicClient({
      ...options,
      transport: () =>
        createTransport({
          key: 'nodes',
          name: 'Nodes of one chain',
          type: 'nodes',
          request: request as never,
          retryCount: 0,
        }),
    });
  }

  /** The URL of the node that is asked now. */
  get currentUrl(): string {
    return this.network.rpcUrls[this.current] as string;
  }

  /** The newest block of each node; `undefined` for one that does not answer within two seconds. Never throws. */
  blocks(): Promise<(bigint | undefined)[]> {
    return Promise.all(this.each.map((_, at) => this.blockAt(at)));
  }

  stop(): void {
    this.circuit.stop();
  }

  /** Every node once, a single one twice: a connection may break under one question. */
  private async ask(args: Question): Promise<unknown> {
    if (this.circuit.isOpen) throw new ChainAwayError(this.network.id);
    if (this.current > 0 && Date.now() >= this.returnAt) void this.returnToFirst();
    const attempts = Math.max(this.each.length, 2);
    let at = this.current;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.requestOf(at)(args);
      } catch (error) {
        if (!saysNothing(error)) throw error;
        at = this.leave(at);
        if (attempt < attempts) continue;
        this.circuit.failed();
        throw error;
      }
    }
  }

  /** Of many questions that fail at a node together, the first one moves the choice on. */
  private leave(at: number): number {
    const next = (at + 1) % this.each.length;
    if (at === this.current) this.moveTo(next);
    return next;
  }

  private moveTo(next: number): void {
    if (next === this.current) return;
    this.listener.moved?.(this.current, next);
    this.current = next;
    this.returnAt = Date.now() + RETURN_MS;
  }

  /** A node that comes back may lag behind, and would make what we know unhappen. */
  private async returnToFirst(): Promise<void> {
    this.returnAt = Date.now() + RETURN_MS;
    const here = this.current;
    const blocks = await this.blocks();
    const latest = blocks[here] ?? 0n;
    const first = blocks.findIndex((block) => block !== undefined && block >= latest);
    if (first >= 0 && first < here && this.current === here) this.moveTo(first);
  }

  private async isAnyThere(): Promise<boolean> {
    const blocks = await this.blocks();
    const first = blocks.findIndex((block) => block !== undefined);
    if (first >= 0 && blocks[this.current] === undefined) this.moveTo(first);
    return first >= 0;
  }

  private async blockAt(at: number): Promise<bigint | undefined> {
    try {
      return BigInt(String(await within(PROBE_TIMEOUT_MS, this.requestOf(at)({ method: 'eth_blockNumber' }))));
    } catch {
      return undefined;
    }
  }

  private requestOf(at: number): (args: Question) => Promise<unknown> {
    return (this.each[at] as PublicClient).request as never;
  }
}

/** No node of the chain answers: it was not asked again. */
export class ChainAwayError extends BaseError {
  constructor(network: string) {
    super(`No node of ${network} answers.`, { name: 'ChainAwayError' });
  }
}

interface Question {
  readonly method: string;
  readonly params?: unknown;
}

/** Whether a node did not answer, or answered that it will not for now: another one may. */
function saysNothing(error: unknown): boolean {
  if (error instanceof HttpRequestError || error instanceof TimeoutError) return true;
  return error instanceof LimitExceededRpcError || error instanceof ResourceUnavailableRpcError;
}

const chainOf = ({ id, rpcUrls }: Pick<NetworkConfig, 'id' | 'rpcUrls'>) =>
  defineChain({
    id: Number(id.split(':')[1]),
    name: id,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [...rpcUrls] } },
  });
