import fc from 'fast-check';
import { BillingError } from '../../src/common/billing-error';
import { estimateOf } from '../../src/gateway/estimate';
import {
  fingerprintOf,
  type InferenceCall,
  namesTwice,
  readCall,
  upstreamBody,
} from '../../src/gateway/inference-call';
import { readPlainAnswer, withCost } from '../../src/gateway/plain-answer';
import { ENDPOINTS, type Model } from '../../src/pricing/model';

const model: Model = {
  id: 'm',
  endpoints: [...ENDPOINTS],
  encoding: 'o200k_base',
  maxOutputTokens: 1000,
  usageConvention: 'openai',
  upstreamUrl: null,
  upstreamKeyEnv: null,
  upstreamModel: null,
  provider: 'p',
  answersAfterClaim: [],
};
const endpoint = fc.constantFrom(...ENDPOINTS);
const count = fc.oneof(fc.integer({ min: 1, max: 10_000_000 }), fc.jsonValue());
const fields = fc.record(
  {
    model: fc.oneof(fc.constant('m'), fc.jsonValue()),
    stream: fc.oneof(fc.boolean(), fc.jsonValue()),
    stream_options: fc.jsonValue(),
    messages: fc.jsonValue(),
    prompt: fc.jsonValue(),
    input: fc.jsonValue(),
    n: count,
    max_tokens: count,
    max_completion_tokens: count,
    best_of: count,
    size: fc.jsonValue(),
    quality: fc.jsonValue(),
    tools: fc.jsonValue(),
    seed: fc.bigInt().map(Number),
  },
  { requiredKeys: [] },
);
/** JSON as people write it: with white space and escapes of their own. */
const text = fc
  .tuple(fc.oneof(fields, fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'))
  .map(([value, space]) => JSON.stringify(value, null, space));

const read = (raw: string, path: (typeof ENDPOINTS)[number]): InferenceCall =>
  readCall({
    id: '01900000-0000-7000-8000-000000000000',
    endpoint: path,
    url: 'http://x/v1',
    headers: { 'content-type': 'application/json' },
    body: JSON.parse(raw),
    rawBody: Buffer.from(raw),
  });

/** The call, or nothing where it was refused in words. Every other exception is a fault. */
function readOrRefuse(raw: string, path: (typeof ENDPOINTS)[number]): InferenceCall | undefined {
  try {
    return read(raw, path);
  } catch (error) {
    expect(error).toBeInstanceOf(BillingError);
    expect(error).toMatchObject({ status: 400, code: expect.stringMatching(/^[a-z_]+$/) });
    return undefined;
  }
}

describe('a call', () => {
  it('of any JSON is read or refused in words, and can be estimated and sent', () => {
    fc.assert(
      fc.property(text, endpoint, (raw, path) => {
        const call = readOrRefuse(raw, path);
        if (!call) return;
        const { quantities } = estimateOf(call, model);
        for (const value of Object.values(quantities)) expect(value).toBeGreaterThanOrEqual(0n);
        expect(() => JSON.parse(upstreamBody(call, model).toString()) as unknown).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });

  it('goes upstream byte by byte, but for what billing needs', () => {
    const good = fc.record({
      stream: fc.option(fc.boolean(), { nil: undefined }),
      seed: fc.bigInt({ min: 0n }),
      messages: fc.jsonValue(),
      stream_options: fc.option(fc.record({ include_usage: fc.boolean(), other: fc.jsonValue() }), { nil: undefined }),
    });
    fc.assert(
      fc.property(good, endpoint, fc.constantFrom('', ' ', '\n'), ({ seed, ...given }, path, space) => {
        // An integer that JavaScript cannot hold must arrive as it was written.
        const raw = `${space}{${space}"seed":${seed},${JSON.stringify({ model: 'm', ...given }).slice(1)}`;
        fc.pre(!namesTwice(Buffer.from(raw)));
        const call = read(raw, path);
        const sent = upstreamBody(call, model).toString();
        const reports = path === '/v1/chat/completions' || path === '/v1/completions';
        if (!call.stream || call.wantsUsage || !reports) expect(sent).toBe(raw);
        else if (given.stream_options === undefined)
          expect(sent.replace('"stream_options":{"include_usage":true},', '')).toBe(raw);
        else
          expect(JSON.parse(sent)).toEqual({
            ...JSON.parse(raw),
            stream_options: { ...(JSON.parse(raw) as typeof given).stream_options, include_usage: true },
          });
        expect(JSON.parse(upstreamBody(call, { ...model, upstreamModel: 'other' }).toString()).model).toBe('other');
      }),
      { numRuns: 500 },
    );
  });

  it('is known again by its bytes and its path alone', () => {
    fc.assert(
      fc.property(fields, endpoint, (given, path) => {
        const raw = JSON.stringify({
          ...given,
          model: 'm',
          stream: false,
          n: 1,
          max_tokens: 1,
          max_completion_tokens: 1,
          best_of: 1,
        });
        const [one, same, other] = [read(raw, path), read(raw, path), read(`${raw} `, path)];
        expect(fingerprintOf(one)).toBe(fingerprintOf(same));
        expect(fingerprintOf(one)).not.toBe(fingerprintOf(other));
      }),
    );
  });
});

describe('the answer', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('"usage":{', '\\"usage\\":{', '"usage"', '{"usage":{"a":1}}', '\\', '\\\\"', '}]', '"usage" : {}'),
  );
  const inner = fc.oneof(nasty, fc.jsonValue(), fc.record({ usage: fc.record({ prompt_tokens: fc.nat() }) }));
  const members = fc.array(
    fc.oneof(
      fc.tuple(fc.constant('usage'), fc.oneof(fc.dictionary(nasty, inner), fc.constant({}), fc.constant(null), inner)),
      fc.tuple(nasty, inner),
      fc.tuple(fc.constant('choices'), fc.array(fc.record({ message: fc.record({ content: nasty, usage: inner }) }))),
    ),
    { maxLength: 6 },
  );
  const json = fc
    .tuple(members, fc.constantFrom(undefined, 2, '\t'))
    .map(([entries, space]) => JSON.stringify(Object.fromEntries(entries), null, space));

  it('stays JSON with the cost in its own usage and nothing else changed, whatever its texts look like', () => {
    fc.assert(
      fc.property(json, (body) => {
        const before = JSON.parse(body);
        const after = JSON.parse(withCost(Buffer.from(body), '0.00001').toString());
        const { usage } = before;
        const isObject = typeof usage === 'object' && usage !== null && !Array.isArray(usage);
        expect(after).toEqual(isObject ? { ...before, usage: { ...usage, cost: '0.00001' } } : before);
      }),
      { numRuns: 2000 },
    );
  });

  it('of any bytes is read or called a failure, and never throws', () => {
    const call = read('{"model":"m"}', '/v1/chat/completions');
    const body = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
      json.map((value) => Buffer.from(value)),
    );
    fc.assert(
      fc.property(body, (bytes) => {
        const answer = readPlainAnswer(bytes, call, model, { input: 3n });
        withCost(bytes, '1');
        for (const value of Object.values(answer?.usage.quantities ?? {})) expect(value).toBeGreaterThanOrEqual(0n);
      }),
      { numRuns: 1000 },
    );
  });

  it('that is an error with a 200 is a failure', () => {
    const call = read('{"model":"m"}', '/v1/chat/completions');
    const error = Buffer.from('{"error":{"message":"overloaded","code":529}}');
    expect(readPlainAnswer(error, call, model, { input: 3n })).toBeUndefined();
  });
});
