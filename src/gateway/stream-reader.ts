import type { Encoding } from '../metering/encodings';
import { countText } from '../metering/tokenizer';
import { type Quantities, readUsageReport, type UsageConvention } from '../metering/usage';
import { modelNameOf } from './plain-answer';
import { dataOf } from './sse-framer';

/** Counted text is forgotten in pieces of this size: a long answer is never kept. */
const COUNT_EVERY_CHARS = 4096;

/**
 * Follows a stream of events: what was delivered, what the provider says it used, whether it came to its end.
 * The last report wins, so that a placeholder in an early chunk is never billed.
 */
export class StreamReader {
  private reported: Quantities | undefined;
  private reportedIn: StreamChunk | undefined;
  private pending = '';
  private countedTokens = 0;
  /** The stream reached its end: `[DONE]`, or a finish reason for every choice is not needed. */
  finished = false;
  failed = false;
  modelServed: string | null = null;

  constructor(
    private readonly convention: UsageConvention,
    private readonly encoding: Encoding,
  ) {}

  /** Reads one event and says what it is to the relay. */
  read(event: Buffer): EventKind {
    const data = dataOf(event);
    if (data === undefined) return { kind: 'other' };
    if (data === '[DONE]') {
      this.finished = true;
      return { kind: 'done' };
    }
    const chunk = parse(data);
    if (!chunk) return { kind: 'other' };
    if (chunk.error !== undefined && chunk.error !== null) {
      this.failed = true;
      return { kind: 'error' };
    }
    this.modelServed = modelNameOf(chunk.model) ?? this.modelServed;
    this.count(textOf(chunk));
    const report = readUsageReport(chunk.usage, this.convention);
    if (!report) return { kind: 'other' };
    this.reported = report;
    this.reportedIn = chunk;
    return hasContent(chunk) ? { kind: 'content_with_usage', chunk } : { kind: 'usage', chunk };
  }

  /** What the provider reported, or `undefined` when it reported nothing. */
  get report(): Quantities | undefined {
    return this.reported;
  }

  /** The newest chunk that reported usage. */
  get reportChunk(): StreamChunk | undefined {
    return this.reportedIn;
  }

  /** Tokens of the text that was delivered. */
  get deliveredTokens(): number {
    this.countedTokens += countText(this.pending, this.encoding);
    this.pending = '';
    return this.countedTokens;
  }

  private count(text: string): void {
    this.pending += text;
    if (this.pending.length < COUNT_EVERY_CHARS) return;
    this.countedTokens += countText(this.pending, this.encoding);
    this.pending = '';
  }
}

export type EventKind =
  | { readonly kind: 'other' | 'done' | 'error' }
  | { readonly kind: 'usage' | 'content_with_usage'; readonly chunk: StreamChunk };

export interface StreamChunk {
  readonly model?: unknown;
  readonly error?: unknown;
  readonly usage?: unknown;
  readonly choices?: readonly StreamChoice[];
}

interface StreamChoice {
  readonly delta?: Readonly<Record<string, unknown>> | null;
  readonly text?: unknown;
  readonly finish_reason?: unknown;
}

function parse(data: string): StreamChunk | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

const choicesOf = (chunk: StreamChunk): readonly StreamChoice[] => (Array.isArray(chunk.choices) ? chunk.choices : []);

/** Some providers put an empty choice into the usage chunk: that is not content. A role or a finish reason is. */
const hasContent = (chunk: StreamChunk): boolean =>
  choicesOf(chunk).some(
    (choice) =>
      Object.keys(choice?.delta ?? {}).length > 0 ||
      (typeof choice?.text === 'string' && choice.text !== '') ||
      (choice?.finish_reason !== undefined && choice.finish_reason !== null),
  );

/** Everything that a choice delivered as text: content, reasoning, refusals, arguments of tool calls. */
function textOf(chunk: StreamChunk): string {
  let text = '';
  for (const choice of choicesOf(chunk)) {
    if (typeof choice?.text === 'string') text += choice.text;
    for (const [field, value] of Object.entries(choice?.delta ?? {})) {
      if (field !== 'role' && typeof value === 'string') text += value;
      if (field === 'tool_calls') text += JSON.stringify(value);
    }
  }
  return text;
}
