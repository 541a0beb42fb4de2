import { createTestClient, http } from 'viem';
import { logBlocks, type RpcCall, refuseLogsBeyond } from '../support/rpc-proxy';
import { expectAllMatched, reconcileChain } from '../support/chain-watch';
import { until } from '../support/calls';
import { payerWith } from '../support/chain';
import { startServer } from '../support/process';
import { topUpWallet } from '../support/transfers';
import { sql, startX402World, type X402World } from '../support/x402-world';

const NODE_GIVES = 7;
const KILLED_AT = 60;

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false', CHAIN_LOG_RANGE: '64' } });
});
afterAll(() => world?.stop());

/** Which blocks' logs the node gave, in the order in which it did: each range is asked for twice, to us and from us. */
const given: [from: number, to: number][] = [];
const rangeOf = ({ params }: RpcCall): [number, number] => {
  const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string };
  return [Number(fromBlock), Number(toBlock)];
};

test('a node that gives few blocks at once is read in small pieces, and a killed reading goes on where it was', async () => {
  const chain = createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) });
  const payer = await payerWith(world.chain, 10_000_000n);
  for (let payment = 0; payment < 6; payment++) {
    await topUpWallet(world, payer, '1');
    await chain.mine({ blocks: 20 });
  }

  const never = new Promise<never>(() => undefined);
  const limit = refuseLogsBeyond(NODE_GIVES);
  const reading = (held: number) => async (call: RpcCall) => {
    const fate = await limit(call);
    if (fate !== 'pass' || logBlocks(call) === 0) return fate;
    const [from, to] = rangeOf(call);
    if (to >= held) return never;
    given.push([from, to]);
    return fate;
  };
  world.node.rule = reading(KILLED_AT);
  const server = await startServer(world.databaseUrl, { ...world.env, JOBS_IN_PROCESS: 'true' });
  // It is due in a minute.
  await until(
    () => sql(world, `UPDATE job_schedules SET next_run_at = now() WHERE name = 'watch-chain' RETURNING name`),
    (rows) => rows.length === 1,
  );
  await until(
    async () => given.at(-1)?.[1] ?? 0,
    (block) => block >= KILLED_AT - NODE_GIVES,
    30_000,
  );
  const [stopped] = await until(
    () => sql(world, 'SELECT min(next_block)::int AS block FROM chain_cursors'),
    ([{ block }]) => block > KILLED_AT - 2 * NODE_GIVES,
  );
  await server.kill9();
  const before = given.length;

  world.node.rule = reading(Infinity);
  const told: string[] = [];
  const report = await reconcileChain(world, (line) => told.push(line));

  expectAllMatched(report);
  expect(report.counts['transfers']).toBe(6);
  const resumed = given.slice(before);
  // The piece in flight may have been kept between the look and the kill.
  expect(Math.min(...resumed.map(([from]) => from))).toBeGreaterThanOrEqual(stopped.block);
  expect(told.filter((line) => line.includes('were refused')).length).toBeGreaterThan(0);
  expect(told.at(-1)).toMatch(/block (\d+) of \1 is read/);
  // Every block was given once in each direction, before the kill or after it; only the piece in flight again.
  const last = Math.max(...given.map(([, to]) => to));
  const timesOf = (block: number) => given.filter(([from, to]) => from <= block && block <= to).length;
  const times = Array.from({ length: last + 1 }, (_, block) => timesOf(block));
  expect(times.filter((count) => count !== 2).length).toBeLessThanOrEqual(NODE_GIVES);
  expect(Math.min(...times)).toBe(2);
});

test('a node that gives no logs at all is an error, and what was read stays read', async () => {
  const before = await sql(world, 'SELECT * FROM chain_cursors ORDER BY address');
  await createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) }).mine({ blocks: 3 });
  world.node.rule = refuseLogsBeyond(0);
  await expect(reconcileChain(world)).rejects.toThrow(/at most 0 blocks/);
  expect(await sql(world, 'SELECT * FROM chain_cursors ORDER BY address')).toEqual(before);
  world.node.rule = refuseLogsBeyond(NODE_GIVES);
  expectAllMatched(await reconcileChain(world));
});
