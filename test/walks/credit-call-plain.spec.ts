import {
  booksOf,
  costOf,
  decimal,
  expectSoundBooks,
  invoicesOf,
  json,
  lastCall,
  post,
  query,
  usageOf,
} from '../support/calls';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;
const INPUT = 150_000_000n;
const CACHED = 75_000_000n;
const OUTPUT = 600_000_000n;

describe('a call that is answered in one piece', () => {
  let world: World;
  let customerId: string;
  let key: string;

  beforeAll(async () => {
    world = await startWorld({ UPSTREAM_API_KEY: 'sk-of-the-operator' });
  });
  afterAll(() => world?.stop());
  beforeEach(async () => {
    ({ customerId, key } = await customerWith(world, CREDIT));
  });
  afterEach(async () => {
    expect((await booksOf(world, customerId)).held.atoms).toBe(0n);
    await expectSoundBooks(world);
  });

  /** Whatever was paid is the same number on every surface. */
  async function expectPaid(response: Response, atoms: bigint): Promise<any> {
    expect(response.status).toBe(200);
    const [usage] = await usageOf(world, customerId);
    const [invoice] = await invoicesOf(world, customerId);
    const { posted } = await booksOf(world, customerId);
    expect(response.headers.get('x-tollbridge-cost')).toBe(decimal(atoms));
    expect(response.headers.get('x-tollbridge-balance')).toBe(decimal(CREDIT - atoms));
    expect(response.headers.get('x-tollbridge-invoice')).toBe(invoice.id);
    expect(response.headers.get('x-request-id')).toBe(usage.id);
    expect(invoice).toMatchObject({ atoms, call_id: usage.id, balance_after: CREDIT - atoms, scheme: 'credit' });
    expect(usage).toMatchObject({ atoms, invoice_id: invoice.id, status: 'succeeded', error_code: null });
    expect(posted.atoms).toBe(CREDIT - atoms);
    const femto = invoice.lines.reduce((sum: bigint, line: any) => {
      const [whole, fraction = ''] = line.amount.split('.');
      return sum + BigInt(whole + fraction.padEnd(15, '0'));
    }, 0n);
    expect((femto + 500_000n) / 1_000_000n).toBe(atoms);
    return { usage, invoice };
  }

  it('costs what the provider reports, and says so in header, body, invoice and balance', async () => {
    const response = await chat(world.url, key);
    const answer = await json(response);
    const { prompt_tokens, completion_tokens } = answer.usage;
    const atoms = costOf([prompt_tokens, INPUT], [completion_tokens, OUTPUT]);
    const { usage, invoice } = await expectPaid(response, atoms);
    expect(answer.usage.cost).toBe(decimal(atoms));
    expect(usage).toMatchObject({ usage_source: 'provider', requests: 1n, model_served: 'gpt-4o-mini', stream: false });
    expect(usage.held_atoms).toBe(costOf([prompt_tokens, INPUT], [50, OUTPUT]));
    expect(invoice.lines).toEqual([
      expect.objectContaining({ meter: 'input', quantity: String(prompt_tokens), per: '1000000' }),
      expect.objectContaining({ meter: 'output', quantity: String(completion_tokens) }),
    ]);
    expect(lastCall(world).requestHeaders.authorization).toBe('Bearer sk-of-the-operator');
    expect(lastCall(world).usage).toMatchObject({ prompt_tokens, completion_tokens });
  });

  it('passes the body through byte by byte, both ways', async () => {
    const body =
      '{ "model":"gpt-4o-mini", "seed": 12345678901234567890, "temperature":1.0,\n"max_tokens":5,"messages":[{"role":"user","content":"caf\\u00e9 \\ud83d\\ude00 \\"usage\\":{"}]}';
    const response = await post(world, '/v1/chat/completions', key, body, { 'x-upstream-behave': 'tokens=5' });
    expect(response.status).toBe(200);
    const plain = await response.text();
    expect(JSON.parse(plain)).toMatchObject({ choices: [{ finish_reason: 'stop' }], service_tier: 'default' });
    // The upstream read it with JSON.parse: what it echoes of the request is what the caller wrote.
    expect(lastCall(world).body).toEqual(JSON.parse(body));
    expect(Number(lastCall(world).requestHeaders['content-length'])).toBe(Buffer.byteLength(body));
  });

  it('charges cached tokens once, at the cached rate (TC-33)', async () => {
    const response = await chat(world.url, key, {}, { 'x-upstream-behave': 'cached=4' });
    const { usage: told } = await json(response);
    expect(told.prompt_tokens_details.cached_tokens).toBe(4);
    const atoms = costOf([told.prompt_tokens - 4, INPUT], [4, CACHED], [told.completion_tokens, OUTPUT]);
    const { usage } = await expectPaid(response, atoms);
    expect(usage).toMatchObject({ cached_input_tokens: 4n, input_tokens: BigInt(told.prompt_tokens - 4) });
  });

  it('charges a fully cached prompt at the cached rate alone (TC-35)', async () => {
    const response = await chat(world.url, key, {}, { 'x-upstream-behave': 'cached=9999999,tokens=1' });
    const { usage: told } = await json(response);
    await expectPaid(response, costOf([told.prompt_tokens, CACHED], [1, OUTPUT]));
  });

  it('charges tokens written to a cache once, as input where they have no price (TC-33)', async () => {
    const response = await chat(world.url, key, {}, { 'x-upstream-behave': 'cached=2,cache-write=3' });
    const { usage: told } = await json(response);
    const atoms = costOf([told.prompt_tokens - 2, INPUT], [2, CACHED], [told.completion_tokens, OUTPUT]);
    const { usage } = await expectPaid(response, atoms);
    expect(usage).toMatchObject({ cache_write_tokens: 3n, cached_input_tokens: 2n });
  });

  it('charges reasoning once, inside of the completion', async () => {
    const response = await chat(world.url, key, {}, { 'x-upstream-behave': 'reasoning=20,tokens=5' });
    const { usage: told } = await json(response);
    expect(told.completion_tokens).toBe(25);
    const { usage } = await expectPaid(response, costOf([told.prompt_tokens, INPUT], [25, OUTPUT]));
    expect(usage).toMatchObject({ reasoning_tokens: 20n, output_tokens: 5n });
  });

  it('charges nothing for a reported zero (TC-24)', async () => {
    const response = await chat(world.url, key, {}, { 'x-upstream-behave': 'zero-usage' });
    const { usage, invoice } = await expectPaid(response, 0n);
    expect(usage).toMatchObject({ usage_source: 'provider', input_tokens: 0n, output_tokens: 0n });
    expect(invoice.lines).toEqual([]);
  });

  it.each(['no-usage', 'null-usage'])('counts what was delivered when nothing is reported (%s)', async (behaviour) => {
    const response = await chat(world.url, key, {}, { 'x-upstream-behave': `${behaviour},tokens=12` });
    const { prompt_tokens } = lastCall(world).usage as any;
    const { usage } = await expectPaid(response, costOf([prompt_tokens, INPUT], [12, OUTPUT]));
    expect(usage).toMatchObject({ usage_source: 'gateway_count', output_tokens: 12n });
  });

  it('answers a legacy completion, token prompts and several answers too', async () => {
    const text = await post(world, '/v1/completions', key, { model: 'gpt-3.5-turbo-instruct', prompt: 'Once upon' });
    const { usage } = await json(text);
    await expectPaid(text, costOf([usage.prompt_tokens, 1_500_000_000n], [usage.completion_tokens, 2_000_000_000n]));
    const many = {
      model: 'gpt-3.5-turbo-instruct',
      prompt: [
        [1, 2, 3],
        [4, 5],
      ],
      n: 2,
      max_tokens: 4,
    };
    const answer = await json(await post(world, '/v1/completions', key, many));
    expect(answer.choices).toHaveLength(4);
    const [, second] = await usageOf(world, customerId);
    expect(second.held_atoms).toBe(costOf([5, 1_500_000_000n], [16, 2_000_000_000n]));
    expect(second.atoms).toBeLessThanOrEqual(second.held_atoms);
  });

  it('answers embeddings: input alone is charged', async () => {
    const response = await post(world, '/v1/embeddings', key, {
      model: 'text-embedding-3-small',
      input: ['The quick brown fox', 'jumps over the lazy dog'],
    });
    const answer = await json(response);
    expect(answer.data).toHaveLength(2);
    const { usage } = await expectPaid(response, costOf([answer.usage.prompt_tokens, 20_000_000n]));
    expect(usage).toMatchObject({ output_tokens: null, endpoint: '/v1/embeddings' });
    // The count before the call was exact.
    expect(usage.held_atoms).toBe(usage.atoms);
  });

  it('answers images: each at the price of its size and quality (TC-39)', async () => {
    const { key: other, customerId: painter } = await customerWith(world, CREDIT);
    const plain = await post(world, '/v1/images/generations', other, { model: 'dall-e-3', prompt: 'A bridge', n: 2 });
    expect(plain.headers.get('x-tollbridge-cost')).toBe('0.08');
    const hd = await post(world, '/v1/images/generations', other, {
      model: 'dall-e-3',
      prompt: 'A bridge',
      size: '1024x1024',
      quality: 'hd',
    });
    expect(hd.headers.get('x-tollbridge-cost')).toBe('0.08');
    for (const size of ['constructor', '__proto__', 'toString']) {
      const odd = await post(world, '/v1/images/generations', other, { model: 'dall-e-3', prompt: 'A bridge', size });
      expect([200, 400]).toContain(odd.status);
    }
    const rows = await usageOf(world, painter);
    expect(rows[0]).toMatchObject({ images: 2n, atoms: 80_000_000n, held_atoms: 80_000_000n });
    expect((await booksOf(world, painter)).held.atoms).toBe(0n);
  });

  it('shows no float noise, however small or many the amounts (TC-36, TC-37)', async () => {
    for (let n = 1; n <= 12; n++) {
      const response = await chat(world.url, key, {}, { 'x-upstream-behave': `tokens=${n},cached=${n}` });
      expect(response.headers.get('x-tollbridge-cost')).toMatch(/^0\.0000\d{1,5}$/);
      await response.arrayBuffer();
    }
    const rows = await usageOf(world, customerId);
    const sum = rows.reduce((total, row) => total + row.atoms, 0n);
    expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT - sum);
    const [journal] = await query(
      world,
      'SELECT sum(atoms)::text AS sum FROM postings WHERE customer_id = $1 AND kind = $2',
      [customerId, 'call_captured'],
    );
    expect(journal.sum).toBe(sum.toString());
  });

  it('lets 4xx of the upstream pass through, and charges nothing', async () => {
    const response = await chat(world.url, key, { messages: [] });
    expect(response.status).toBe(400);
    expect((await json(response)).error.message).toContain('messages');
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get('x-tollbridge-cost')).toBeNull();
    const [usage] = await usageOf(world, customerId);
    expect(usage).toMatchObject({ status: 'failed', error_code: 'upstream_400', atoms: 0n, invoice_id: null });
    expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT);
  });
});
