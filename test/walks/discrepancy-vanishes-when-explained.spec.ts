import { asOwner } from '../support/owner';
import { Operator } from '../support/reconciliation-world';
import { chat, customerWith, startWorld, type World } from '../support/world';

let world: World;
let operator: Operator;

beforeAll(async () => {
  world = await startWorld();
  operator = new Operator(world);
});
afterAll(() => world?.stop());

const alter = (customerId: string, atoms: bigint) =>
  asOwner(world, [
    'UPDATE credit_grants SET remaining_atoms = remaining_atoms + $2 WHERE customer_id = $1',
    [customerId, atoms],
  ]);

test('what a run does not find any more has vanished, and what comes back opens again', async () => {
  const { customerId, key } = await customerWith(world, 100_000_000_000n);
  expect((await chat(world.url, key, { model: 'flat' })).status).toBe(200);
  expect(await operator.reconcile('books')).toMatchObject({
    state: 'finished',
    outcomes: [{ side: 'books', found: 0 }],
  });
  expect(await operator.report('books')).toMatchObject({ verdict: 'clean', open: [] });

  await alter(customerId, -7_000_000_000n);
  expect((await operator.reconcile('books')).outcomes).toMatchObject([{ state: 'done', found: 1, error: null }]);
  const { verdict, open, sides } = await operator.report('books');
  expect([verdict, sides[0].totals]).toEqual([
    'open',
    [{ asset: 'USD', difference: '-7', open: '-7', waived: '0', resolvedSince: '0', unexplained: '0' }],
  ]);
  const [found] = open;
  expect(found).toMatchObject({
    ...{ side: 'books', kind: 'grants_differ', ref: customerId, customerId, amount: '-7', ageDays: 0, times: 1 },
    suggestedCause: expect.stringContaining('92.9 USD, its balance is 99.9.'),
  });

  await operator.reconcile('books');
  const [again] = await operator.discrepancies('state=open');
  expect(again).toMatchObject({ id: found.id, since: found.since, firstSeen: found.firstSeen, times: 1 });
  expect(again.lastSeen > found.lastSeen).toBe(true);

  await alter(customerId, 7_000_000_000n);
  await operator.reconcile('books');
  expect(await operator.report('books')).toMatchObject({ verdict: 'clean', open: [] });
  expect(await operator.discrepancies()).toMatchObject([{ id: found.id, state: 'vanished' }]);
  const waived = await operator.ask(`/admin/discrepancies/${found.id}/resolve`, {
    by: 'Ada',
    reason: 'Gone.',
    waive: true,
  });
  expect([waived.status, waived.body.code]).toEqual([409, 'discrepancy_not_open']);

  await alter(customerId, -5_000_000_000n);
  await operator.reconcile('books');
  expect(await operator.discrepancies('state=open')).toMatchObject([{ id: found.id, amount: '-5', times: 2 }]);
});
