import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalChain } from '../../src/local/chain';
import { until } from '../support/calls';
import { chainEnvironment, payerWith, startTestChain } from '../support/chain';
import { allPass, type RpcProxy, startRpcProxy } from '../support/rpc-proxy';
import { inHeader, rowsOf, signPayment, sql, startX402World, type X402World } from '../support/x402-world';
import { chat } from '../support/world';

const directory = mkdtempSync(join(tmpdir(), 'tollbridge-test-silent-'));
let world: X402World;
let other: LocalChain;
let node: RpcProxy;

beforeAll(async () => {
  other = (await startTestChain({ chainId: 80_002 })).chain;
  node = await startRpcProxy(other.rpcUrl);
  const path = join(directory, 'networks.json');
  const network = { ...chainEnvironment(other), EVM_RPC_URL: node.url, EVM_PRIVATE_KEY: { env: 'EVM_PRIVATE_KEY' } };
  writeFileSync(path, JSON.stringify([{ ...network, EVM_OP_STACK: false }]));
  world = await startX402World({ env: { X402_NETWORKS_FILE: path } });
});
afterAll(async () => {
  await world?.stop();
  await node?.stop();
  await other?.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function paidOn(chain: LocalChain): Promise<string> {
  const rows = await rowsOf(chat(world.url, undefined));
  const row = rows.find(({ scheme, network }) => scheme === 'exact' && network === `eip155:${chain.chainId}`)!;
  const payer = await payerWith(chain, 1_000_000n);
  const response = await chat(world.url, undefined, {}, inHeader(await signPayment(payer, row)));
  expect(response.status).toBe(200);
  return `%${payer.address.toLowerCase()}%`;
}

test('claims in doubt are finished on one network while the node of another one swallows every question', async () => {
  const [there, here] = [await paidOn(other), await paidOn(world.chain)];
  let hold = true;
  let release = (): void => undefined;
  const silence = new Promise<'pass'>((resolve) => (release = () => resolve('pass')));
  node.rule = () => (hold ? silence : 'pass');
  // Far more than are looked after at a time, and all of them older.
  await sql(
    world,
    `INSERT INTO claims (key, scheme, state, fingerprint, call_id, customer_id, payment, capture, lease_until)
     SELECT key || n, scheme, 'in_doubt', fingerprint, call_id, customer_id, payment, capture, now() - interval '1 hour'
       FROM claims, generate_series(1, 100) AS n WHERE key LIKE $1`,
    [there],
  );
  await sql(
    world,
    `UPDATE claims SET state = 'in_doubt', transaction = NULL, lease_until = now() - interval '1 second' WHERE key LIKE $1`,
    [here],
  );
  try {
    await until(
      () => sql(world, 'SELECT state FROM claims WHERE key LIKE $1', [here]),
      ([claim]) => claim.state === 'settled',
      8_000,
    );
    const [open] = await sql(world, `SELECT count(*)::int AS count FROM claims WHERE state = 'in_doubt'`);
    expect(open.count).toBe(100);
  } finally {
    hold = false;
    node.rule = allPass;
    release();
    await sql(world, `DELETE FROM claims WHERE state = 'in_doubt'`).catch(() => undefined);
  }
});
