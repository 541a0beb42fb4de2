import { json, query } from '../support/calls';
import {
  attestationOf,
  authorize,
  claimsIn,
  type CreditWorld,
  expectCreditBooks,
  facilitate,
  registerServer,
  startCreditWorld,
} from '../support/credit-world';
import { CommitmentSettlement } from '../../src/payments/authority/settlement.service';
import { brokenInvariants } from '../support/invariants';
import { customerWith } from '../support/world';

const CENT = 10_000_000n;

/** What a customer lets itself spend is no more because a foreign server settles it. */
describe('credit that is attested under a budget of 10 cents', () => {
  let world: CreditWorld;
  let shop: { id: string; key: string; origin: string };

  beforeAll(async () => {
    world = await startCreditWorld();
    shop = await registerServer(world, 'https://shop.example');
  });
  afterAll(() => world?.stop());

  const used = async () =>
    (await query(world, 'SELECT held_atoms, spent_atoms FROM budget_counters ORDER BY id')).map((row) => [
      row.held_atoms / CENT,
      row.spent_atoms / CENT,
    ]);

  it('weighs on it until it is settled for less, revoked or refused', async () => {
    const bundle = await customerWith(world, 100n * CENT);
    for (const keyId of [bundle.keyId, undefined]) {
      const set = await fetch(`${world.url}/v1/budgets`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${bundle.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ keyId, period: 'month', limit: keyId === undefined ? '1' : '0.1' }),
      });
      expect(set.status).toBe(200);
    }
    const attest = (amount: string) => authorize(world, bundle, { amount, resource: `${shop.origin}/paid` });

    const first = await attestationOf(attest('8'));
    expect(await used()).toEqual([
      [8n, 0n],
      [8n, 0n],
    ]);
    expect(await json(await attest('3'))).toMatchObject({ status: 402, code: 'insufficient_credits' });

    const settled = await facilitate(world, 'settle', shop, first, { requirements: { amount: '5' } });
    expect(settled).toMatchObject({ success: true });
    expect(await used()).toEqual([
      [0n, 5n],
      [0n, 5n],
    ]);
    const second = await attestationOf(attest('5'));
    expect(await json(await attest('1'))).toMatchObject({ code: 'insufficient_credits' });
    expect(await world.app.get(CommitmentSettlement, { strict: false }).revoke(claimsIn(second).jti)).toBe(true);
    expect(await used()).toEqual([
      [0n, 5n],
      [0n, 5n],
    ]);

    const five = await Promise.all(Array.from({ length: 8 }, async () => (await attest('1')).status));
    expect(five.filter((status) => status === 200)).toHaveLength(5);
    await expectCreditBooks(world);
    expect(await brokenInvariants((sql, parameters) => query(world, sql, parameters))).toEqual([]);
  });
});
