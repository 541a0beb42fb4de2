import { newId } from '../../src/common/id';
import { usd, usdToUsdcAtPar } from '../../src/common/money';
import type { Delivery, Hold, RequestHeaders, Work } from '../../src/payments/payment-scheme';
import { ExactScheme } from '../../src/payments/exact/exact.scheme';
import { UptoScheme } from '../../src/payments/upto/upto.scheme';
import { PricingService } from '../../src/pricing/pricing.service';
import { until } from '../support/calls';
import { usdcBalance } from '../support/chain';
import { allCut, allPass, concerns } from '../support/rpc-proxy';
import { signUpto, uptoPayerWith } from '../support/upto';
import {
  expectBooksAsOnChain,
  inHeader,
  signPayment,
  sql,
  startX402World,
  untilOffered,
  type X402World,
} from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World();
});
afterEach(() => expectBooksAsOnChain(world, false));
afterAll(() => world?.stop());

const scheme = () => world.app.get(UptoScheme);

function workOf(stream = false): Work {
  const pricing = world.app.get(PricingService);
  const callId = newId();
  return {
    callId,
    quote: pricing.quote(pricing.modelFor('gpt-4o-mini', '/v1/chat/completions'), { input: 10_000n, output: 10_000n }),
    resource: { url: world.url, description: 'inference', mimeType: 'application/json' },
    model: 'gpt-4o-mini',
    stream,
    fingerprint: callId,
    idempotencyKey: undefined,
    headers: {},
  };
}

const hold = (headers: RequestHeaders, work: Work) => scheme().hold(scheme().find(headers)!, work);
const ceilingOf = (work: Work) => BigInt(scheme().requirements(work)[0]!.amount);
const payWith = async (payer: Parameters<typeof signUpto>[0], work: Work) =>
  inHeader(await signUpto(payer, scheme().requirements(work)[0]!));
const half = (work: Work): Delivery => ({
  charge: { amount: usd(work.quote.ceiling.atoms / 2n), lines: [] },
  rows: () => ({}),
  answer: { status: 200, headers: {}, body: Buffer.from('An answer.') },
});
const chargeOf = (work: Work) => usdToUsdcAtPar(half(work).charge.amount).atoms;

async function held(headers: RequestHeaders, work: Work): Promise<Hold> {
  const outcome = await hold(headers, work);
  if (outcome.kind !== 'held') throw new Error(`not held: ${JSON.stringify(outcome)}`);
  return outcome.hold;
}

test('twenty payments at once of a wallet that can bear five: five are held, and more when they are done', async () => {
  const ceiling = ceilingOf(workOf());
  const payer = await uptoPayerWith(world.chain, ceiling * 5n);
  const works = Array.from({ length: 20 }, () => workOf());
  const outcomes = await Promise.all(works.map(async (work) => hold(await payWith(payer, work), work)));

  const holds = outcomes.flatMap((outcome) => (outcome.kind === 'held' ? [outcome.hold] : []));
  expect(holds).toHaveLength(5);
  for (const outcome of outcomes) {
    if (outcome.kind !== 'refused') continue;
    expect(outcome.refusal).toMatchObject({ status: 402, code: 'payer_exposed', retryAfter: expect.any(Number) });
  }
  const [first, ...others] = holds;
  await scheme().release(first!, { code: 'upstream_failed', rows: () => ({}) });
  const next = workOf();
  others.push(await held(await payWith(payer, next), next));
  const charges = await Promise.all(others.map(async (one) => scheme().capture(one, half(next))));

  expect(charges.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => 'captured'));
  expect(await usdcBalance(world.chain, payer.address)).toBe(ceiling * 5n - chargeOf(next) * 5n);
});

test('a balance that was read before a settlement of ours took from it bears nothing more', async () => {
  const work = workOf();
  const payer = await uptoPayerWith(world.chain, ceilingOf(work));
  const first = await held(await payWith(payer, work), work);
  const second = workOf();
  const headers = await payWith(payer, second);
  // The node answers as things are before the first one is settled, and its answer arrives afterwards.
  world.node.rule = async (call) => {
    if (call.method !== 'eth_call' || !concerns(call, payer.address)) return 'pass';
    world.node.rule = allPass;
    const asked = await fetch(world.chain.rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', ...call }),
    });
    const { result } = (await asked.json()) as { result: unknown };
    expect(await scheme().capture(first, half(work))).toMatchObject({ kind: 'captured' });
    return { result };
  };

  expect(await hold(headers, second)).toMatchObject({ kind: 'refused', refusal: { status: 402 } });
  expect(await sql(world, `SELECT state FROM claims WHERE call_id = $1`, [second.callId])).toEqual([
    { state: 'released' },
  ]);
});

test('exact payments in flight take from the same balance', async () => {
  const work = workOf();
  const exact = world.app.get(ExactScheme);
  const [required] = exact.requirements(work);
  const payer = await uptoPayerWith(world.chain, ceilingOf(work) + BigInt(required!.amount) - 1n);
  const inFlight = await exact.hold(exact.find(inHeader(await signPayment(payer, required!)))!, work);
  if (inFlight.kind !== 'held') throw new Error('not held');

  const other = workOf();
  const headers = await payWith(payer, other);
  expect(await hold(headers, other)).toMatchObject({ kind: 'refused', refusal: { code: 'payer_exposed' } });
  await exact.release(inFlight.hold, { code: 'upstream_failed', rows: () => ({}) });
  await scheme().release(await held(headers, other), { code: 'upstream_failed', rows: () => ({}) });
});

test('nothing used settles nothing', async () => {
  const work = workOf();
  const payer = await uptoPayerWith(world.chain, ceilingOf(work));
  const one = await held(await payWith(payer, work), work);
  const captured = await scheme().capture(one, { ...half(work), charge: { amount: usd(0n), lines: [] } });

  if (captured.kind !== 'captured') throw new Error(JSON.stringify(captured.refusal));
  const receipt = JSON.parse(Buffer.from(captured.receipt.headers['payment-response'] ?? '', 'base64').toString());
  expect(receipt).toMatchObject({ success: true, transaction: '', amount: '0' });
  expect(await usdcBalance(world.chain, payer.address)).toBe(ceilingOf(work));
});

test('a node that goes away during the settlement: in doubt, then settled once, and the repeat gets the answer', async () => {
  const work = workOf();
  const payer = await uptoPayerWith(world.chain, ceilingOf(work));
  const headers = await payWith(payer, work);
  const one = await held(headers, work);
  world.node.rule = ({ method }) => {
    if (method !== 'eth_sendRawTransaction') return 'pass';
    world.node.rule = allCut;
    return 'cut after';
  };
  expect(await scheme().capture(one, half(work))).toMatchObject({
    kind: 'refused',
    refusal: { status: 503, code: 'settlement_in_doubt' },
  });
  world.node.rule = allPass;
  await untilOffered(world);
  await until(
    async () => (await sql(world, 'SELECT state FROM claims WHERE key = $1', [one.claimKey]))[0],
    ({ state }) => state === 'settled',
    30_000,
  );

  expect(await hold(headers, { ...work, callId: newId() })).toMatchObject({ kind: 'replay', answer: { status: 200 } });
  expect(await usdcBalance(world.chain, payer.address)).toBe(ceilingOf(work) - chargeOf(work));
});
