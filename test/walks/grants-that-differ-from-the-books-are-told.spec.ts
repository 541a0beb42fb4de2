import { Logger } from '@nestjs/common';
import { GrantCheck } from '../../src/credits/grant-check.service';
import { json, post } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { asOwner } from '../support/owner';
import { customerWith, startWorld, type World } from '../support/world';

let world: World;

beforeAll(async () => {
  world = await startWorld({ JOBS_IN_PROCESS: 'false' });
});
afterAll(() => world?.stop());

test('the operator is told once when what is left of grants is not the balance, and of nobody else', async () => {
  const grants = new GrantsWorld(world);
  const check = world.app.get(GrantCheck, { strict: false });
  const [sound, wrong] = [await customerWith(world, 100n), await customerWith(world, 100n)];
  for (const { customerId } of [sound, wrong]) {
    await grants.use(customerId, 30n);
    await grants.give(customerId, 7n, { class: 'promo' });
    await grants.use(customerId, 5n);
  }
  expect(await check.check()).toEqual([]);

  await asOwner(world, [
    'UPDATE credit_grants SET remaining_atoms = 1 WHERE customer_id = $1 AND class = $2',
    [wrong.customerId, 'promo'],
  ]);

  const fault = { customerId: wrong.customerId, granted: 66n, balance: 72n };
  expect(await check.check()).toEqual([fault]);
  expect(await check.check()).toEqual([fault]);
  const told = await fetch(`${world.url}/v1/notifications`, {
    headers: { authorization: `Bearer ${world.adminToken}` },
  });
  const { data } = await json(told);
  expect(data.filter(({ kind }: { kind: string }) => kind === 'grants_differ')).toHaveLength(1);
});

test('credit that the books could not hold is refused, and told to the operator; ten million at once is the most', async () => {
  const { customerId } = await customerWith(world, 100n);
  const give = async (amount: string) => {
    const body = { customerId, amount, reason: 'a gift' };
    const answer = await post(world, '/admin/grants', world.adminToken, body);
    return [answer.status, (await json(answer)).code];
  };
  const said = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  try {
    expect(await give('10000000.000000001')).toEqual([400, 'invalid_request']);
    expect(await give('10000000')).toEqual([201, undefined]);
    expect(said).not.toHaveBeenCalled();
    // As nine hundred more of them would leave it.
    await asOwner(world, [
      'UPDATE ledger_accounts SET credits_posted = 9223372036854775807 WHERE code = $1',
      [`customer:${customerId}:credits`],
    ]);

    expect(await give('10000000')).toEqual([409, 'amount_out_of_range']);

    expect(said.mock.calls.flat().join()).toMatch(/POST \/admin\/grants .*amount_out_of_range.*out of range/);
  } finally {
    said.mockRestore();
  }
  const left = await new GrantsWorld(world).grantsOf(customerId);
  expect(left).toHaveLength(2);
});
