import type { Readable } from 'node:stream';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import type { Usage } from '../metering/usage';
import { MAX_KEPT_BYTES } from '../payments/claim';
import { elapsed } from './call-rows';
import type { PaidCall, StreamTarget } from './paid-call';
import { eventOf, SseFramer } from './sse-framer';
import { type EventKind, type StreamChunk, StreamReader } from './stream-reader';

/** Answers whose caller has gone are read on to their usage: so many at once, so long, so far. */
const MAX_DRAINS = 256;
const MAX_DRAIN_MS = 120_000;
const MAX_DRAIN_BYTES = 16 * 1024 * 1024;
/** A stream may last so much of its hold: behind the hold's end nothing could be charged for it. */
const SHARE_OF_HOLD = 0.75;

/** Takes the money for what was used and resolves to the cost as a plain decimal. */
export type CaptureStream = (usage: Usage, end: StreamEnd) => Promise<string>;

export interface StreamEnd {
  readonly status: 'succeeded' | 'interrupted';
  readonly errorCode: string | null;
  readonly modelServed: string | null;
  readonly ttfbMs: number;
  /** The stream as a repeat of the same payment gets it, with its cost; where nobody can ask for it again, nothing. */
  readonly kept: ((cost: string) => Buffer) | undefined;
}

/**
 * Passes a stream through, event by event and with back-pressure, and reads its usage on the way. The end of the
 * stream (usage chunk, `[DONE]`) is held back until the capture is durable: an answer is complete when it is paid.
 */
@Injectable()
export class StreamRelay {
  private readonly logger = new Logger('StreamRelay');
  private readonly longestMs: number;
  private draining = 0;

  constructor(@Inject(CONFIG) config: Config) {
    this.longestMs = config.holdTtlSeconds * 1000 * SHARE_OF_HOLD;
  }

  /** Never rejects: whatever happens in mid-stream, what was delivered is charged and the caller is told. */
  async run(paid: PaidCall, body: Readable, target: StreamTarget, capture: CaptureStream): Promise<void> {
    const isOver = () => elapsed(paid.call) >= this.longestMs;
    const passage = new Passage(paid, target, isOver);
    let errorCode: string | null = null;
    // An upstream that keeps silent is not waited for either.
    const timer = setTimeout(() => body.destroy(), Math.min(this.longestMs - elapsed(paid.call), 2 ** 31 - 1));
    try {
      for await (const chunk of body) {
        await passage.forward(chunk);
        if (target.gone && !this.mayDrain(passage)) {
          errorCode = 'caller_gone';
          break;
        }
      }
      if (errorCode === null) await passage.finish();
    } catch (error) {
      // Behind [DONE] nothing is missing, however the connection ends.
      if (!passage.reader.finished) errorCode = isOver() ? 'stream_too_long' : 'upstream_interrupted';
      this.logger.warn(`call ${paid.call.id}: the upstream broke off: ${String(error)}`);
    } finally {
      clearTimeout(timer);
      if (passage.drainingSince !== undefined) this.draining--;
    }
    await this.close(passage, target, errorCode, capture);
  }

  private async close(
    passage: Passage,
    target: StreamTarget,
    errorCode: string | null,
    capture: CaptureStream,
  ): Promise<void> {
    const code = errorCode ?? (passage.reader.failed || !passage.reader.finished ? 'upstream_interrupted' : null);
    try {
      const cost = await capture(passage.usage(), passage.ending(code));
      for (const event of passage.tail(cost, code)) await target.write(event);
    } catch (error) {
      this.logger.error(`call ${passage.callId} was delivered and could not be captured: ${String(error)}`);
      await target.write(errorEvent('capture_failed', 'The answer was delivered, its charge could not be booked.'));
    }
    target.end();
  }

  /** The provider bills an answer whether or not the caller stays: its usage is worth reading on for, within bounds. */
  private mayDrain(passage: Passage): boolean {
    if (passage.drainingSince === undefined) {
      if (this.draining >= MAX_DRAINS) return false;
      this.draining++;
      passage.drainingSince = Date.now();
    }
    return Date.now() - passage.drainingSince < MAX_DRAIN_MS && passage.bytes < MAX_DRAIN_BYTES;
  }
}

/** One stream on its way. */
class Passage {
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

const errorEvent = (code: string, message: string, cost?: string): Buffer =>
  eventOf({
    error: { message, type: 'server_error', code, param: null },
    ...(cost === undefined ? {} : { usage: { cost } }),
  });
