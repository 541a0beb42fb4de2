import { countText, type Encoding } from '../metering/tokenizer';
import { type Quantities, readUsageReport, type Usage } from '../metering/usage';
import type { Model } from '../pricing/model';
import type { InferenceCall } from './inference-call';

/** What an answer in one piece says about itself. */
export interface PlainAnswer {
  readonly usage: Usage;
  readonly modelServed: string | null;
}

/**
 * Reads usage from an answer: what the provider reports, and where it reports nothing, what was delivered, counted.
 * `undefined` when the body is not the JSON object that was promised: that is an upstream failure.
 */
export function readPlainAnswer(
  body: Buffer,
  call: InferenceCall,
  model: Model,
  estimate: Quantities,
): PlainAnswer | undefined {
  const answer = parse(body);
  if (!answer) return undefined;
  const modelServed = typeof answer['model'] === 'string' ? answer['model'] : null;
  const reported = readUsageReport(answer['usage'], model.usageConvention);
  const images = call.endpoint === '/v1/images/generations' ? BigInt(lengthOf(answer['data'])) : undefined;
  const units: Quantities = { request: 1n, ...(images === undefined ? {} : { image: images }) };
  if (reported) return { usage: { quantities: { ...reported, ...units }, source: 'provider' }, modelServed };
  const output = BigInt(countOutput(answer, model.encoding));
  return {
    usage: { quantities: { input: estimate.input ?? 0n, output, ...units }, source: 'gateway_count' },
    modelServed,
  };
}

/**
 * Writes the cost into the answer's own `usage` object and leaves every other byte as it came. Inside a JSON string
 * a quote is escaped, so the text `"usage":{` can only be a member.
 */
export function withCost(body: Buffer, cost: string): Buffer {
  const text = body.toString('utf8');
  const at = text.lastIndexOf('"usage"');
  const opening = at === -1 ? null : /^"usage"\s*:\s*\{/.exec(text.slice(at, at + 64));
  if (!opening) return body;
  const end = at + opening[0].length;
  const comma = /^\s*\}/.test(text.slice(end, end + 16)) ? '' : ',';
  return Buffer.from(`${text.slice(0, end)}"cost":"${cost}"${comma}${text.slice(end)}`);
}

function countOutput(answer: Readonly<Record<string, unknown>>, encoding: Encoding): number {
  let text = '';
  for (const choice of arrayOf(answer['choices'])) {
    const { text: plain, message } = choice as { text?: unknown; message?: Record<string, unknown> };
    if (typeof plain === 'string') text += plain;
    for (const [field, value] of Object.entries(message ?? {})) {
      if (field !== 'role' && typeof value === 'string') text += value;
      if (field === 'tool_calls') text += JSON.stringify(value);
    }
  }
  return text === '' ? 0 : countText(text, encoding);
}

function parse(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const arrayOf = (value: unknown): unknown[] => (Array.isArray(value) ? value.filter((part) => part !== null) : []);
const lengthOf = (value: unknown): number => arrayOf(value).length;
