import type { Readable } from 'node:stream';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import type { Usage } from '../metering/usage';
import { elapsed } from './call-rows';
import type { PaidCall, StreamTarget } from './paid-call';
import { errorEvent, Passage, type StreamEnd } from './stream-passage';

/** Answers whose caller has gone are read on to their usage: so many at once, so long, so far. */
const MAX_DRAINS = 256;
const MAX_DRAIN_MS = 120_000;
const MAX_DRAIN_BYTES = 16 * 1024 * 1024;
/** A stream may last so much of its hold: behind the hold's end nothing could be charged for it. */
const SHARE_OF_HOLD = 0.75;

/** Takes the money for what was used and resolves to the cost as a plain decimal. */
export type CaptureStream = (usage: Usage, end: StreamEnd) => Promise<string>;

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
