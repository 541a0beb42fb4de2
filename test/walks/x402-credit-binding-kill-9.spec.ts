import { DatabaseService } from '../../src/database/database.service';
import type { Tx } from '../../src/database/tx';
import { claimKeyOf } from '../../src/payments/credit-binding/binding-hold';
import { BindingReconciler } from '../../src/payments/credit-binding/binding-reconciler.service';
import { booksOf, query, until, usageOf } from '../support/calls';
import {
  attestationOf,
  authorize,
  claimsIn,
  type CreditWorld,
  expectCreditBooks,
  paidWith,
  receiptOf,
  startCreditWorld,
} from '../support/credit-world';
import { type ServerProcess, startServer } from '../support/process';
import { chat, customerWith } from '../support/world';

const CENT = 10_000_000n;

let world: CreditWorld;
let server: ServerProcess;
let bundle: { customerId: string; key: string };

beforeAll(async () => {
  // It looks on, and finishes what the processes leave that are killed here.
  world = await startCreditWorld({ env: { JOBS_IN_PROCESS: 'false' } });
});
beforeEach(async () => {
  server = await startServer(world.databaseUrl, { ...world.env });
  bundle = await customerWith(world, 100n * CENT);
});
afterEach(async () => {
  await server.kill9();
  await expectCreditBooks(world);
});
afterAll(() => world?.stop());

const resource = () => `${world.url}/v1/chat/completions`;
const signed = (change: object = {}) => attestationOf(authorize(world, bundle, { resource: resource(), ...change }));
const send = (url: string, attestation: string, headers: object = {}) =>
  chat(url, undefined, {}, { ...headers, ...paidWith(attestation) });

/** Kills the process once `reached`, while it waits for rows that `lock` keeps. */
async function killWhile(
  lock: (tx: Tx) => Promise<unknown>,
  act: () => Promise<Response>,
  reached: () => Promise<boolean>,
) {
  await world.app.get(DatabaseService).transaction(async (tx) => {
    await lock(tx);
    const cut = act().catch(() => 'cut');
    await until(reached, (is) => is);
    await server.kill9();
    expect(await cut).toBe('cut');
  });
}

/** As time does, in half a minute. */
async function reconcile(): Promise<number> {
  await query(
    world,
    `UPDATE claims SET lease_until = now() - interval '1 second' WHERE state IN ('working', 'settling')`,
  );
  return world.app.get(BindingReconciler).reconcile();
}

const waitsForALock = async () => {
  const waiting = await query(world, `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`);
  return waiting.length > 0;
};
const stateOf = async (attestation: string) => {
  const [{ state }] = await query(world, 'SELECT state FROM commitments WHERE jti = $1', [claimsIn(attestation).jti]);
  return state;
};
const books = async () => {
  const { available, held } = await booksOf(world, bundle.customerId);
  return { spent: 100n * CENT - available.atoms - held.atoms, held: held.atoms };
};

test('while it authorizes: nothing is held, and the same request holds once', async () => {
  const change = { idempotencyKey: 'cut', resource: resource() };
  const { customerId } = bundle;
  await killWhile(
    (tx) => tx.query('SELECT 1 FROM customers WHERE id = $1 FOR NO KEY UPDATE', [customerId]),
    () => authorize(server, bundle, change),
    waitsForALock,
  );

  expect(await books()).toEqual({ spent: 0n, held: 0n });
  const attestation = await signed(change);
  expect(await signed(change)).toBe(attestation);
  expect(await books()).toEqual({ spent: 0n, held: 5n * CENT });
});

test('while it works: the credit is free again, and nothing was charged', async () => {
  const attestation = await signed();
  const key = claimKeyOf(claimsIn(attestation).jti);
  await killWhile(
    async () => undefined,
    () => send(server.url, attestation, { 'x-upstream-behave': 'hang' }),
    async () => (await query(world, 'SELECT 1 FROM claims WHERE key = $1', [key])).length > 0,
  );

  expect(await reconcile()).toBe(1);
  expect(await stateOf(attestation)).toBe('released');
  expect(await books()).toEqual({ spent: 0n, held: 0n });
  expect(await reconcile()).toBe(0);
});

test('while it settles: the call is charged once, and a repeat gets its answer', async () => {
  const attestation = await signed();
  const { jti } = claimsIn(attestation);
  await killWhile(
    (tx) => tx.query('SELECT 1 FROM commitments WHERE jti = $1 FOR UPDATE', [jti]),
    () => send(server.url, attestation),
    waitsForALock,
  );
  const calls = world.upstream.calls().length;

  expect(await stateOf(attestation)).toBe('held');
  expect(await reconcile()).toBe(1);
  expect(await stateOf(attestation)).toBe('settled');
  const repeat = await send(world.url, attestation);
  expect(repeat.status).toBe(200);
  expect(receiptOf(repeat).extra.commitmentId).toBe(jti);
  expect(world.upstream.calls().length).toBe(calls);
  const [usage] = await usageOf(world, bundle.customerId);
  expect(usage).toMatchObject({ status: 'succeeded' });
  expect(await books()).toEqual({ spent: usage.atoms, held: 0n });
});
