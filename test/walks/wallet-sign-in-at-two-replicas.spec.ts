import { payerWith } from '../support/chain';
import { challengeOf, signChallenge } from '../support/sign-in';
import { topUpWallet } from '../support/transfers';
import { chat } from '../support/world';
import { expectBooksAsOnChain, sql, startX402World, walletCredit, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  // Replicas behind one name: a sign-in is for the name.
  world = await startX402World({
    replicas: 2,
    env: { X402_EXTENSIONS: 'sign-in-with-x', PUBLIC_URL: 'http://tollbridge.example' },
  });
});
afterAll(() => world?.stop());

const replica = (index: number) => world.replicas[index % 2]?.url as string;

test.each([
  ['plain', { n: 1 }],
  ['streamed', { stream: true }],
])('one sign-in at two replicas at once draws for one %s call: its nonce is claimed once', async (_, body) => {
  const payer = await payerWith(world.chain, 1_000_000n);
  await topUpWallet(world, payer, '1');
  const headers = await signChallenge(payer, challengeOf(await chat(replica(0), undefined, body)));
  const calls = world.upstream.calls().length;

  const copies = Array.from({ length: 20 }, (__, index) => chat(replica(index), undefined, body, headers));
  const responses = await Promise.all(copies);
  expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(new Set(await Promise.all(responses.map((response) => response.text()))).size).toBe(1);
  expect(world.upstream.calls().length - calls).toBe(1);
  const claims = await sql(world, `SELECT state FROM claims WHERE key LIKE $1`, [
    `siwx:${payer.address.toLowerCase()}:%`,
  ]);
  expect(claims).toEqual([{ state: 'settled' }]);
  const [{ spent }] = await sql(
    world,
    'SELECT sum(atoms)::bigint AS spent FROM usage_records WHERE payer_address = $1',
    [payer.address.toLowerCase()],
  );
  expect(await walletCredit(world, payer.address)).toBe(1_000_000n - spent);
  await expectBooksAsOnChain(world);
});

test('a sign-in that one replica took for its balance is no good at the other one', async () => {
  const payer = await payerWith(world.chain, 1_000_000n);
  const show = (index: number, headers: Record<string, string> = {}) =>
    fetch(`${replica(index)}/v1/wallet`, { headers });
  const headers = await signChallenge(payer, challengeOf(await show(0)));

  const both = await Promise.all([show(0, headers), show(1, headers)]);
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 402]);
});
