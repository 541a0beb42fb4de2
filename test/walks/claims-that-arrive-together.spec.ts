import { newId } from '../../src/common/id';
import type { Claim, NewClaim } from '../../src/payments/claim';
import { ClaimLeases } from '../../src/payments/claim-leases.service';
import { ClaimsService } from '../../src/payments/claims.service';
import { startAppOn, type TestApp } from '../support/app';
import { startWorld, type World } from '../support/world';
import { sql } from '../support/x402-world';

let world: World;
let replica: TestApp;

beforeAll(async () => {
  world = await startWorld();
  replica = await startAppOn({ url: world.databaseUrl, ownerUrl: world.ownerUrl });
});
afterAll(async () => {
  await replica?.stop();
  await world?.stop();
});

const claims = ({ app }: Pick<TestApp, 'app'> = world) => app.get(ClaimsService);
const newClaim = (key: string, payment: unknown = {}): NewClaim => ({
  key,
  scheme: 'test',
  fingerprint: 'f',
  callId: newId(),
  customerId: null,
  payment,
  validBefore: null,
});
const keysOf = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}:${index}`);
const isTaken = (outcome: unknown): outcome is Claim => typeof outcome === 'object';

test('claims that arrive together share a commit, and so do their moves', async () => {
  const asked = keysOf('together', 200).map((key) => newClaim(key));
  const taken = await Promise.all(asked.map((claim) => claims().take(claim)));
  expect(taken.filter(isTaken).map(({ key }) => key)).toEqual(asked.map(({ key }) => key));
  const commits = () =>
    sql(world, `SELECT count(DISTINCT xmin::text) AS count FROM claims WHERE key LIKE 'together:%'`);
  expect(Number((await commits())[0]?.count)).toBeLessThanOrEqual(2);

  const answer = { status: 200, headers: { 'content-type': 'text/plain' }, body: Buffer.from('"{}"\\ ü') };
  const moved = await Promise.all(
    asked.map(({ key, callId }, index) => claims().move(key, index === 7 ? newId() : callId, 'settling', { answer })),
  );
  expect(moved.map((done, index) => (done ? -1 : index)).filter((index) => index >= 0)).toEqual([7]);
  expect(Number((await commits())[0]?.count)).toBeLessThanOrEqual(4);
  expect((await claims().find('together:8'))?.answer).toEqual(answer);
  expect(await claims().find('together:7')).toMatchObject({ state: 'working', answer: undefined });
  expect(await claims().move('together:8', asked[8]?.callId as string, 'released')).toBe(false);
});

test('what PostgreSQL cannot store harms nobody who came with it', async () => {
  const asked = keysOf('poison', 20).map((key, index) => newClaim(key, index === 5 ? { text: '\u0000' } : {}));
  const outcomes = await Promise.allSettled(asked.map((claim) => claims().take(claim)));
  const refused = outcomes.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []));
  expect(refused).toEqual([5]);
});

test('copies at two replicas, in opposite orders, while leases are renewed: one of each wins, nobody waits for ever', async () => {
  const keys = keysOf('copies', 150);
  const [here, there] = [keys, keys.toReversed()].map((order) => order.map((key) => newClaim(key))) as [
    NewClaim[],
    NewClaim[],
  ];
  const outcomes = await Promise.all([
    ...here.map((claim) => claims().take(claim)),
    ...there.map((claim) => claims(replica).take(claim)),
  ]);
  const won = outcomes.filter(isTaken);
  expect(won).toHaveLength(150);
  expect(new Set(won.map(({ key }) => key)).size).toBe(150);
  expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(150);

  const moves = won.map(({ key, callId }) => claims().move(key, callId, 'settled'));
  const renewals = [world, replica].map(({ app }) => app.get(ClaimLeases).renew());
  expect(await Promise.all(moves)).toEqual(won.map(() => true));
  await Promise.all(renewals);
});
