import type { ServerResponse } from 'node:http';
import type { KeptAnswer } from '../payments/claim';
import type { StreamTarget } from './paid-call';

/** What is used of a Fastify reply. */
export interface Reply {
  readonly raw: ServerResponse;
  getHeaders(): Record<string, number | string | string[] | undefined>;
  hijack(): unknown;
  status(code: number): this;
  headers(values: Record<string, unknown>): this;
  send(payload: Buffer): unknown;
}

/** Sends an answer in one piece. */
export function sendAnswer(reply: Reply, answer: KeptAnswer): void {
  reply.status(answer.status).headers(answer.headers).send(answer.body);
}

/** A caller that takes nothing for so long has gone: its upstream connection and its hold serve others. */
const MAX_STALL_MS = 60_000;

/** A stream into a reply: what the caller's connection cannot take yet is not read from the upstream. */
export class ReplyTarget implements StreamTarget {
  constructor(
    private readonly reply: Reply,
    private readonly maxStallMs = MAX_STALL_MS,
  ) {}

  open(status: number, headers: Record<string, string | string[]>): void {
    const { raw } = this.reply;
    // The reply is written past Fastify, which would buffer: what its hooks have set (CORS) goes along.
    const set = Object.entries(this.reply.getHeaders()).filter(([, value]) => value !== undefined);
    this.reply.hijack();
    raw.writeHead(status, { ...(Object.fromEntries(set) as Record<string, string>), ...headers });
    raw.flushHeaders();
    raw.socket?.setNoDelay(true);
  }

  async write(chunk: Buffer): Promise<boolean> {
    const { raw } = this.reply;
    if (this.gone) return false;
    if (raw.write(chunk)) return true;
    await new Promise<void>((resolve) => {
      const stalled = setTimeout(() => raw.destroy(), this.maxStallMs);
      const go = () => {
        clearTimeout(stalled);
        raw.off('drain', go).off('close', go);
        resolve();
      };
      raw.on('drain', go).on('close', go);
    });
    return !this.gone;
  }

  end(): void {
    this.reply.raw.end();
  }

  get gone(): boolean {
    return this.reply.raw.destroyed || this.reply.raw.closed;
  }
}
