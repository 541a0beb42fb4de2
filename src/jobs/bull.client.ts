import { setTimeout as sleep } from 'node:timers/promises';
import type Bull from 'bull';

const PREFIX = 'tollbridge';
const QUEUE = 'jobs';
/** Bull's own lock; who has lost it is delivered again, which changes nothing. */
const LOCK_MS = 30_000;
const STALLED_MS = 15_000;
/** No answer of Redis is waited for longer. */
const PATIENCE_MS = 5_000;

/** The only file that talks to Redis. Nothing here is a reason to end the process, or to keep it from ending. */
export class BullClient {
  private queue: Bull.Queue<{ id: string }> | undefined;
  private awaySince: number | undefined = performance.now();
  private starting: Promise<void> | undefined;
  private asking: Promise<number | undefined> | undefined;
  private processing = false;
  private closed = false;

  constructor(
    private readonly url: string,
    private readonly concurrency: number,
  ) {}

  /** How long Redis has not answered, in ms; 0 while it does. */
  get awayMs(): number {
    return this.awaySince === undefined ? 0 : performance.now() - this.awaySince;
  }

  /** Connects, now or whenever Redis is there, and calls `deliver` for every id that it brings. */
  start(deliver: (id: string) => Promise<void>): void {
    this.starting ??= this.connect(deliver);
  }

  /** How many ids wait in Redis; `undefined` when it does not answer, or not to us. Never throws. */
  waiting(): Promise<number | undefined> {
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  /**
   * The attempt is part of Bull's id: Bull ignores an id that it still knows, and must not ignore a retry.
   * @returns whether Redis has taken them.
   */
  async send(jobs: readonly { id: string; attempt: number }[]): Promise<boolean> {
    const bulk = jobs.map(({ id, attempt }) => ({ data: { id }, opts: { jobId: `job:${id}#${attempt}` } }));
    try {
      // Of a job that Redis refuses, Bull gives no id and no error.
      return (await inTime(this.connected().addBulk(bulk))).every(({ id }) => id !== undefined);
    } catch {
      return false;
    }
  }

  /** Takes nothing more from Redis. */
  async pause(): Promise<void> {
    this.closed = true;
    await this.starting;
    await inTime(this.queue?.pause(true, true)).catch(() => undefined);
  }

  /** Whatever state Redis is in: the connections are gone afterwards. */
  async close(): Promise<void> {
    this.closed = true;
    await this.starting;
    await inTime(this.queue?.close(true)).catch(() => undefined);
    for (const client of this.queue?.clients ?? []) client.disconnect();
  }

  private async ask(): Promise<number | undefined> {
    try {
      const count = await inTime(this.connected().getWaitingCount());
      this.awaySince = undefined;
      return count;
    } catch {
      this.awaySince ??= performance.now();
      return undefined;
    }
  }

  private async connect(deliver: (id: string) => Promise<void>): Promise<void> {
    // Loaded by who needs it: commands and servers without Redis start faster.
    const { default: Queue } = await import('bull');
    if (this.closed) return;
    const queue = new Queue<{ id: string }>(QUEUE, {
      prefix: PREFIX,
      redis: connectionOf(this.url),
      defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
      settings: { lockDuration: LOCK_MS, stalledInterval: STALLED_MS, maxStalledCount: 5 },
    });
    this.queue = queue;
    // Bull gives its connection a name without waiting for the answer: closed in between, the process would end.
    Object.assign(queue, { setWorkerName: () => undefined });
    // Who is away is told by `awayMs`; a listener there must be, or an error ends the process.
    queue.on('error', () => undefined);
    queue.client.on('ready', () => this.process(queue, deliver));
    queue.client.on('close', () => (this.awaySince ??= performance.now()));
    if (queue.client.status === 'ready') this.process(queue, deliver);
  }

  /** Once: Bull goes on by itself when Redis was away. */
  private process(queue: Bull.Queue<{ id: string }>, deliver: (id: string) => Promise<void>): void {
    if (this.processing || this.closed) return;
    this.processing = true;
    queue.process(this.concurrency, ({ data }) => deliver(data.id)).catch(() => (this.processing = false));
  }

  /** @throws Error at once rather than after Redis's patience. */
  private connected(): Bull.Queue<{ id: string }> {
    if (this.queue?.client.status !== 'ready') throw new Error('Redis is away.');
    return this.queue;
  }
}

/** `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS. Bull's own reading of a URL knows no TLS. */
export function connectionOf(address: string): NonNullable<Exclude<Bull.QueueOptions['redis'], string>> {
  const url = new URL(address);
  const text = (part: string) => (part === '' ? {} : { [part]: decodeURIComponent(url[part as 'username']) });
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    db: Number(url.pathname.slice(1) || 0),
    ...(url.username === '' ? {} : text('username')),
    ...(url.password === '' ? {} : text('password')),
    ...(url.protocol === 'rediss:' ? { tls: { servername: url.hostname } } : {}),
    retryStrategy: (times: number) => Math.min(times * 100, 2_000),
    maxRetriesPerRequest: 2,
    connectTimeout: PATIENCE_MS,
    keepAlive: 10_000,
  };
}

async function inTime<Result>(work: Promise<Result> | undefined): Promise<Result> {
  const late = new AbortController();
  const tooLate = sleep(PATIENCE_MS, undefined, { signal: late.signal, ref: false }).then(() => {
    throw new Error(`Redis did not answer within ${PATIENCE_MS} ms.`);
  });
  tooLate.catch(() => undefined);
  try {
    return await Promise.race([work as Promise<Result>, tooLate]);
  } finally {
    late.abort();
  }
}
