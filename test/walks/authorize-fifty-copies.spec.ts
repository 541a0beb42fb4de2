import { booksOf, json, query } from '../support/calls';
import {
  attestationOf,
  authorize,
  type CreditWorld,
  expectCreditBooks,
  startCreditWorld,
} from '../support/credit-world';
import { customerWith } from '../support/world';

const COPIES = 50;
const CENT = 10_000_000n;

let world: CreditWorld;

beforeAll(async () => {
  world = await startCreditWorld({ replicas: 2 });
});
afterEach(() => expectCreditBooks(world));
afterAll(() => world?.stop());

const replica = (copy: number) => world.replicas[copy % 2] as CreditWorld;
/** Whoever is asked, the resource is the same. */
const resource = () => `${world.url}/v1/chat/completions`;

test('fifty copies at two replicas hold once and get the first attestation, byte for byte', async () => {
  const bundle = await customerWith(world, 20n * CENT);
  const change = { idempotencyKey: 'one and only'.replaceAll(' ', '-'), resource: resource(), amount: '15' };

  const copies = Array.from({ length: COPIES }, (_, copy) => attestationOf(authorize(replica(copy), bundle, change)));
  const attestations = new Set(await Promise.all(copies));

  expect(attestations.size).toBe(1);
  expect((await booksOf(world, bundle.customerId)).held.atoms).toBe(15n * CENT);
  expect(await query(world, 'SELECT 1 FROM commitments WHERE bundle_id = $1', [bundle.customerId])).toHaveLength(1);
});

test('copies with other terms under the same key: one is signed, every other one is a conflict', async () => {
  const bundle = await customerWith(world, 1_000n * CENT);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, copy) =>
      authorize(replica(copy), bundle, { idempotencyKey: 'same', resource: resource(), amount: String(copy + 1) }),
    ),
  );

  expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  for (const answer of answers) {
    if (!answer.ok) expect(await json(answer)).toMatchObject({ status: 409, code: 'idempotency_conflict' });
  }
  expect(await query(world, 'SELECT 1 FROM commitments WHERE bundle_id = $1', [bundle.customerId])).toHaveLength(1);
});

test('many authorizations at once never hold more than there is', async () => {
  const bundle = await customerWith(world, 10n * CENT);
  const answers = await Promise.all(
    Array.from({ length: COPIES }, (_, copy) =>
      authorize(replica(copy), bundle, { resource: resource(), amount: '1' }),
    ),
  );

  expect(answers.filter(({ ok }) => ok)).toHaveLength(10);
  for (const answer of answers) if (!answer.ok) expect((await json(answer)).code).toBe('insufficient_credits');
  const { held, available } = await booksOf(world, bundle.customerId);
  expect({ held: held.atoms, available: available.atoms }).toEqual({ held: 10n * CENT, available: 0n });
});
