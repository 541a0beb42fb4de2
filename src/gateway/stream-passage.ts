import type { Usage } from '../metering/usage';
import { MAX_KEPT_BYTES } from '../payments/claim';
import { elapsed } from './call-rows';
import type { PaidCall, StreamTarget } from './paid-call';
import { eventOf, SseFramer } from './sse-framer';
import { type EventKind, type StreamChunk, StreamReader } from './stream-reader';

/** How a stream ended. */
export interface StreamEnd {
  readonly status: 'succeeded' | 'interrupted';
  readonly errorCode: string | null;
  readonly modelServed: string | null;
  readonly ttfbMs: number;
  /** The stream as a repeat of the same payment gets it, with its cost; where nobody can ask for it again, nothing. */
  readonly kept: ((cost: string) => Buffer) | undefined;
}

/** One stream on its way: what of it has passed, what is held back until it is paid, and what it used. */
export class Passage {
  readonly reader: StreamReader;
  readonly callId: string;
  bytes = 0;
  drainingSince: number | undefined;
  private readonly framer = new SseFramer();
  private ttfbMs: number | undefined;
  private usageChunk: StreamChunk | undefined;
  private done: Buffer | undefined;
  private keptBytes = 0;
  private readonly kept: Buffer[] | undefined;

  constructor(
    private readonly paid: PaidCall,
    private readonly target: StreamTarget,
    private readonly isOver: () => boolean,
  ) {
    this.callId = paid.call.id;
    this.reader = new StreamReader(paid.model.usageConvention, paid.model.encoding);
    this.kept = paid.hold.claimKey === null ? undefined : [];
  }

  async forward(chunk: Buffer): Promise<void> {
    this.ttfbMs ??= elapsed(this.paid.call);
    this.bytes += chunk.length;
    for (const event of this.framer.push(chunk)) {
      if (this.isOver()) return;
      await this.pass(event);
    }
  }

  /** A last event without its blank line still counts. */
  async finish(): Promise<void> {
    const rest = this.framer.flush();
    if (rest.length > 0) await this.pass(Buffer.concat([rest, Buffer.from('\n\n')]));
  }

  /** What the provider reports; without a report what was delivered, counted. Nothing delivered is nothing. */
  usage(): Usage {
    const { report, deliveredTokens, finished } = this.reader;
    if (report) return { quantities: { ...report, request: 1n }, source: 'provider' };
    if (deliveredTokens === 0 && !finished) return { quantities: {}, source: 'none' };
    const input = this.paid.quote.estimate.input ?? 0n;
    return { quantities: { input, output: BigInt(deliveredTokens), request: 1n }, source: 'gateway_count' };
  }

  ending(errorCode: string | null): StreamEnd {
    return {
      status: errorCode === null ? 'succeeded' : 'interrupted',
      errorCode,
      modelServed: this.reader.modelServed,
      ttfbMs: this.ttfbMs ?? elapsed(this.paid.call),
      kept: this.answer(),
    };
  }

  /** The events that were held back, now that the cost is known. */
  tail(cost: string, errorCode: string | null): Buffer[] {
    const events = this.usageEvents(cost);
    if (errorCode !== null) {
      const detail = 'The answer broke off. What was delivered until then is charged.';
      return [...events, errorEvent(errorCode, detail, cost)];
    }
    return this.done ? [...events, this.done] : events;
  }

  private async pass(event: Buffer): Promise<void> {
    const read = this.reader.read(event);
    if (read.kind === 'done') this.done = event;
    else if (read.kind === 'usage') this.usageChunk = read.chunk;
    else if (read.kind !== 'error') await this.write(this.visible(event, read));
  }

  /** The caller sees usage only if it asked for it. */
  private visible(event: Buffer, read: EventKind): Buffer {
    if (read.kind !== 'content_with_usage' || this.paid.call.wantsUsage) return event;
    return eventOf({ ...read.chunk, usage: undefined });
  }

  private async write(event: Buffer): Promise<void> {
    if (this.kept && this.keptBytes <= MAX_KEPT_BYTES) {
      this.keptBytes += event.length;
      this.kept.push(event);
    }
    if (!this.target.gone) await this.target.write(event);
  }

  private answer(): StreamEnd['kept'] {
    if (!this.kept || this.keptBytes > MAX_KEPT_BYTES || !this.reader.finished || this.reader.failed) return undefined;
    const { kept } = this;
    return (cost) => Buffer.concat([...kept, ...this.usageEvents(cost), ...(this.done ? [this.done] : [])]);
  }

  /** The last chunk that reports usage, with the cost. Where a provider reports it beside its text, one more chunk. */
  private usageEvents(cost: string): Buffer[] {
    const chunk = this.usageChunk ?? (this.reader.reportChunk && { ...this.reader.reportChunk, choices: [] });
    return chunk && this.paid.call.wantsUsage ? [withCost(chunk, cost)] : [];
  }
}

const withCost = (chunk: StreamChunk, cost: string): Buffer =>
  eventOf({ ...chunk, usage: { ...(chunk.usage as object), cost } });

/** What a caller is told in mid-stream. */
export const errorEvent = (code: string, message: string, cost?: string): Buffer =>
  eventOf({
    error: { message, type: 'server_error', code, param: null },
    ...(cost === undefined ? {} : { usage: { cost } }),
  });
