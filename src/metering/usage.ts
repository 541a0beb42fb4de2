/** What can be counted. Token meters exclude each other: cached input is not in `input`, reasoning not in `output`. */
export const METERS = [
  'input',
  'cached_input',
  'cache_write',
  'output',
  'reasoning',
  'image',
  'request',
  'second',
] as const;
export type Meter = (typeof METERS)[number];

/** Counted units by meter. Absent is unknown or not applicable; zero is a reported zero. */
export type Quantities = Readonly<Partial<Record<Meter, bigint>>>;

export interface Usage {
  readonly quantities: Quantities;
  /** Who counted: the provider, the gateway from what was delivered, or nobody. */
  readonly source: 'provider' | 'gateway_count' | 'none';
}

/**
 * How a provider reports cached tokens: OpenAI inside `prompt_tokens`, Anthropic beside `input_tokens`.
 * There is no default: the wrong one bills cached tokens twice or not at all.
 */
export type UsageConvention = 'openai' | 'anthropic';

/** Reads a provider's `usage` object. `undefined` when it reports nothing countable; a reported zero stays zero. */
export function readUsageReport(report: unknown, convention: UsageConvention): Quantities | undefined {
  if (typeof report !== 'object' || report === null) return undefined;
  return convention === 'openai' ? readOpenAi(report) : readAnthropic(report);
}

/** `completion_tokens` is absent for embeddings; the image API says `input_tokens` and `output_tokens`. */
function readOpenAi(report: OpenAiUsage): Quantities | undefined {
  const prompt = count(report.prompt_tokens) ?? count(report.input_tokens);
  const completion = count(report.completion_tokens) ?? count(report.output_tokens);
  if (prompt === undefined && completion === undefined) return undefined;
  const inputDetails = report.prompt_tokens_details ?? report.input_tokens_details;
  const outputDetails = report.completion_tokens_details ?? report.output_tokens_details;
  const cached = atMost(count(inputDetails?.cached_tokens), prompt ?? 0n);
  const written = atMost(count(inputDetails?.cache_write_tokens), (prompt ?? 0n) - (cached ?? 0n));
  const reasoning = atMost(count(outputDetails?.reasoning_tokens), completion ?? 0n);
  return known({
    input: prompt === undefined ? undefined : prompt - (cached ?? 0n) - (written ?? 0n),
    cached_input: cached,
    cache_write: written,
    output: completion === undefined ? undefined : completion - (reasoning ?? 0n),
    reasoning,
  });
}

function readAnthropic(report: AnthropicUsage): Quantities | undefined {
  const input = count(report.input_tokens);
  const output = count(report.output_tokens);
  if (input === undefined && output === undefined) return undefined;
  return known({
    input,
    cached_input: count(report.cache_read_input_tokens),
    cache_write: count(report.cache_creation_input_tokens),
    output,
  });
}

/** More than this was never used in one call: at the dearest rate it is still an amount that a ledger can hold. */
const MAX_COUNT = 10_000_000_000;

const count = (value: unknown): bigint | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT ? BigInt(value) : undefined;

/** A part cannot be more than its whole, whatever is reported. */
const atMost = (part: bigint | undefined, whole: bigint): bigint | undefined =>
  part !== undefined && part > whole ? whole : part;

const known = (quantities: Partial<Record<Meter, bigint | undefined>>): Quantities =>
  Object.fromEntries(Object.entries(quantities).filter(([, value]) => value !== undefined));

interface OpenAiUsage {
  prompt_tokens?: unknown;
  completion_tokens?: unknown;
  input_tokens?: unknown;
  output_tokens?: unknown;
  prompt_tokens_details?: { cached_tokens?: unknown; cache_write_tokens?: unknown } | null;
  input_tokens_details?: { cached_tokens?: unknown; cache_write_tokens?: unknown } | null;
  completion_tokens_details?: { reasoning_tokens?: unknown } | null;
  output_tokens_details?: { reasoning_tokens?: unknown } | null;
}

interface AnthropicUsage {
  input_tokens?: unknown;
  output_tokens?: unknown;
  cache_read_input_tokens?: unknown;
  cache_creation_input_tokens?: unknown;
}
