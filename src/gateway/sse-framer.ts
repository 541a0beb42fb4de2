/** Events longer than this are an attack or a fault, not an answer. */
const MAX_EVENT_BYTES = 32 * 1024 * 1024;

/**
 * Cuts a stream of bytes into server-sent events (WHATWG HTML, section 9.2.6) without changing a byte: wherever the
 * chunks were cut, also inside a UTF-8 sequence, each event comes out whole, with the blank line that ends it.
 */
export class SseFramer {
  /** The event that has begun, in the pieces in which it came: joined once, however many they are. */
  private pieces: Buffer[] = [];
  private pending = 0;
  private readonly end = new EndOfEvent();

  /** The events that are complete with this chunk. @throws RangeError when one event is too long. */
  push(chunk: Buffer): Buffer[] {
    const events: Buffer[] = [];
    let start = 0;
    for (let end = this.end.find(chunk, start); end !== -1; end = this.end.find(chunk, start)) {
      events.push(this.join(chunk.subarray(start, end)));
      start = end;
    }
    if (start < chunk.length) this.pieces.push(chunk.subarray(start));
    this.pending += chunk.length - start;
    if (this.pending > MAX_EVENT_BYTES) throw new RangeError('A server-sent event is too long.');
    return events;
  }

  /** What came after the last complete event. */
  flush(): Buffer {
    return this.join(Buffer.alloc(0));
  }

  private join(last: Buffer): Buffer {
    const event = this.pieces.length === 0 ? last : Buffer.concat([...this.pieces, last]);
    this.pieces = [];
    this.pending = 0;
    return event;
  }
}

/** The text of an event's `data` lines, joined as the standard says; `undefined` for comments alone. */
export function dataOf(event: Buffer): string | undefined {
  const lines = event
    .toString('utf8')
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(line.startsWith('data: ') ? 6 : 5));
  return lines.length === 0 ? undefined : lines.join('\n');
}

/** One event with this data. */
export const eventOf = (data: unknown): Buffer => Buffer.from(`data: ${JSON.stringify(data)}\n\n`);

/** Finds blank lines, also those that two chunks share. Lines end in LF or CRLF, in any mixture. */
class EndOfEvent {
  /** Nothing but the end of the line so far, and perhaps a CR. */
  private atLineStart = false;

  /** The index behind the next blank line, or -1. */
  find(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      if (!this.atLineStart) {
        const newline = bytes.indexOf(LF, at);
        if (newline === -1) return -1;
        this.atLineStart = true;
        at = newline + 1;
        continue;
      }
      const byte = bytes[at];
      at++;
      if (byte === CR) continue;
      this.atLineStart = false;
      if (byte === LF) return at;
    }
    return -1;
  }
}

const LF = 10;
const CR = 13;
