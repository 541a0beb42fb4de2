/** Events longer than this are an attack or a fault, not an answer. */
const MAX_EVENT_BYTES = 32 * 1024 * 1024;

/**
 * Cuts a stream of bytes into server-sent events (WHATWG HTML, section 9.2.6) without changing a byte: wherever the
 * chunks were cut, also inside a UTF-8 sequence, each event comes out whole, with the blank line that ends it.
 */
export class SseFramer {
  private rest: Buffer = Buffer.alloc(0);

  /** The events that are complete with this chunk. @throws RangeError when one event is too long. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const events: Buffer[] = [];
    let start = 0;
    for (let end = endOfEvent(bytes, start); end !== -1; end = endOfEvent(bytes, start)) {
      events.push(bytes.subarray(start, end));
      start = end;
    }
    this.rest = bytes.subarray(start);
    if (this.rest.length > MAX_EVENT_BYTES) throw new RangeError('A server-sent event is too long.');
    return events;
  }

  /** What came after the last complete event. */
  flush(): Buffer {
    const rest = this.rest;
    this.rest = Buffer.alloc(0);
    return rest;
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

/** The index behind the next blank line, or -1. Lines end in LF or CRLF. */
function endOfEvent(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf('\n\n', from);
  const crlf = bytes.indexOf('\r\n\r\n', from);
  if (lf === -1 && crlf === -1) return -1;
  if (crlf === -1 || (lf !== -1 && lf < crlf)) return lf + 2;
  return crlf + 4;
}
