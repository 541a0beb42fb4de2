import { randomBytes } from 'node:crypto';
import { createWalletClient, http, type PrivateKeyAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { newId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { revenue } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { DEV_WALLETS } from '../../src/local/chain';
import { ClaimLeases } from '../../src/payments/claim-leases.service';
import { ExactReconciler } from '../../src/payments/exact/exact-reconciler.service';
import { ExactScheme } from '../../src/payments/exact/exact.scheme';
import type { Delivery, Hold, RequestHeaders, Work } from '../../src/payments/payment-scheme';
import { PricingService } from '../../src/pricing/pricing.service';
import type { TestApp } from '../support/app';
import { until } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  signPayment,
  sql,
  startX402World,
  walletCredit,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

let world: X402World;
let payer: PrivateKeyAccount;

beforeAll(async () => {
  world = await startX402World({ replicas: 2 });
});
beforeEach(async () => {
  payer = await payerWith(world.chain, 1_000_000n);
});
afterEach(() => expectBooksAsOnChain(world, false));
afterAll(() => world?.stop());

const schemeOf = ({ app }: TestApp) => app.get(ExactScheme);
const first = () => world.replicas[0] as TestApp;
const second = () => world.replicas[1] as TestApp;

function workOf(stream: boolean): Work {
  const pricing = world.app.get(PricingService);
  const model = pricing.modelFor('gpt-4o-mini', '/v1/chat/completions');
  return {
    callId: newId(),
    quote: pricing.quote(model, { input: 10_000n, output: 10_000n }),
    resource: { url: world.url, description: 'inference', mimeType: 'application/json' },
    model: model.id,
    stream,
    fingerprint: randomBytes(16).toString('base64url'),
    idempotencyKey: undefined,
    headers: {},
  };
}

async function holdAt(replica: TestApp, headers: RequestHeaders, work: Work): Promise<Hold> {
  const scheme = schemeOf(replica);
  const outcome = await scheme.hold(scheme.find(headers)!, work);
  if (outcome.kind !== 'held') throw new Error(`not held: ${JSON.stringify(outcome)}`);
  return outcome.hold;
}

const delivery: Delivery = { charge: { amount: usd(1_000_000n), lines: [] }, rows: () => ({}), answer: undefined };
const earned = async () => (await world.app.get(LedgerAccountsService).balance(revenue('USDC'))).posted.atoms;

/** Time passes, and nobody has renewed anything in it. */
const leaseRunsOut = (hold: Hold) =>
  sql(world, `UPDATE claims SET lease_until = now() - interval '1 second' WHERE key = $1`, [hold.claimKey]);

test.each([false, true])(
  'work that takes longer than its lease keeps its claim, as long as its process lives (stream: %s)',
  async (stream) => {
    const work = workOf(stream);
    const headers = inHeader(await signPayment(payer, schemeOf(first()).requirements(work)[0]!));
    const hold = await holdAt(first(), headers, work);
    await sql(world, `UPDATE claims SET lease_until = now() + interval '1 second' WHERE key = $1`, [hold.claimKey]);

    await first().app.get(ClaimLeases).renew();
    const [{ seconds }] = await sql(
      world,
      'SELECT extract(epoch FROM lease_until - now())::float AS seconds FROM claims WHERE key = $1',
      [hold.claimKey],
    );
    expect(seconds).toBeGreaterThan(20);
    await second().app.get(ExactReconciler).reconcile();
    expect(await schemeOf(first()).capture(hold, delivery)).toMatchObject({ kind: 'captured' });
  },
);

test.each([false, true])(
  'a worker that lost its claim to another one delivers nothing: one payment, one charge (stream: %s)',
  async (stream) => {
    const before = await earned();
    const work = workOf(stream);
    const required = schemeOf(first()).requirements(work)[0]!;
    const headers = inHeader(await signPayment(payer, required));
    const lost = await holdAt(first(), headers, work);

    await leaseRunsOut(lost);
    await second().app.get(ExactReconciler).reconcile();
    const won = await holdAt(second(), headers, { ...work, callId: newId() });
    expect(won.claimKey).toBe(lost.claimKey);

    expect(await schemeOf(first()).capture(lost, delivery)).toMatchObject({
      kind: 'refused',
      refusal: { code: 'payment_in_progress' },
    });
    await schemeOf(first()).release(lost, { code: 'internal_error', rows: () => ({}) });
    expect(await earned()).toBe(before);
    expect(await schemeOf(second()).capture(won, delivery)).toMatchObject({ kind: 'captured' });
    expect(await schemeOf(first()).capture(lost, delivery)).toMatchObject({ kind: 'refused' });
    expect((await earned()) - before).toBe(1_000n);
    expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n - BigInt(required.amount));
    expect(await walletCredit(world, payer.address)).toBe(BigInt(required.amount) - 1_000n);
  },
);

test('two reconcilers and the worker itself finish one claim at once: booked once', async () => {
  const before = await earned();
  const work = workOf(false);
  const headers = inHeader(await signPayment(payer, schemeOf(first()).requirements(work)[0]!));
  const hold = await holdAt(first(), headers, work);

  const captured = schemeOf(first()).capture(hold, delivery);
  await until(
    () => sql(world, 'SELECT state FROM claims WHERE key = $1', [hold.claimKey]),
    ([claim]) => claim.state !== 'working',
  );
  await leaseRunsOut(hold);
  await Promise.all([captured, ...world.replicas.map(({ app }) => app.get(ExactReconciler).reconcile())]);
  await until(
    () => sql(world, 'SELECT state FROM claims WHERE key = $1', [hold.claimKey]),
    ([claim]) => claim.state === 'settled',
  );

  expect((await earned()) - before).toBe(1_000n);
});

test('the hot wallet’s key was used elsewhere: the payment whose nonce is lost gets another one', async () => {
  const account = privateKeyToAccount(DEV_WALLETS.facilitator.privateKey);
  const elsewhere = createWalletClient({ account, chain: baseSepolia, transport: http(world.chain.rpcUrl) });
  await elsewhere.sendTransaction({ to: account.address, value: 0n });
  const headers = inHeader(await signPayment(payer, await askedFor(chat(world.url, undefined))));

  const doubtful = await chat(world.url, undefined, {}, headers);
  expect(doubtful.status).toBe(503);
  expect(await doubtful.json()).toMatchObject({ code: 'settlement_in_doubt' });
  const address = payer.address.toLowerCase();
  await until(
    () => sql(world, `SELECT state FROM claims WHERE key LIKE $1`, [`%${address}%`]),
    ([claim]) => claim.state === 'settled',
  );

  expect((await chat(world.url, undefined, {}, headers)).status).toBe(200);
  const sent = await sql(
    world,
    'SELECT state FROM chain_transactions JOIN chain_calls ON transaction = hash WHERE reference LIKE $1 ORDER BY nonce',
    [`%${address}%`],
  );
  expect(sent.map(({ state }) => state).slice(0, 1)).toEqual(['dropped']);
});
