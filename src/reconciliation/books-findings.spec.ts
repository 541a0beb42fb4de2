import { usd } from '../common/money';
import { check } from '../ledger/verification';
import {
  budgetFinding,
  grantFinding,
  leftoverFindings,
  listed,
  proofFindings,
  usageComparisons,
  usageFindings,
  waitingComparison,
  watchFinding,
} from './books-findings';
import { differenceOf } from './report';

const now = new Date('2026-11-23');

describe('what the books find wrong with themselves', () => {
  it('is about exactly what the comparisons differ by', () => {
    for (const [usage, invoiced] of [
      [7n, 7n],
      [9n, 7n],
      [9n, 3n],
    ] as const) {
      const sums = { revenue: usd(7n), usage: usd(usage), invoiced: usd(invoiced) };
      const differences = usageComparisons(sums).reduce((sum, one) => sum + differenceOf(one), 0n);
      expect(usageFindings(sums, now).reduce((sum, { amount }) => sum + amount.atoms, 0n)).toBe(differences);
    }
  });

  it('says nothing when they agree', () => {
    expect(usageFindings({ revenue: usd(7n), usage: usd(7n), invoiced: usd(7n) }, now)).toEqual([]);
    expect(proofFindings([check('zero_sum', 3, [])], now)).toEqual([]);
  });

  it('names each subject of a broken proof once, with what to do', () => {
    const fault = { subject: 'bank USD', expected: '1', found: '2' };
    const found = proofFindings([check('running_balances', 3, [fault, { ...fault, found: '3' }])], now);
    expect(found).toMatchObject([{ kind: 'proof_running_balances', ref: 'bank USD', amount: usd(0n) }]);
    expect(found[0]?.suggestedCause).toContain('Expected 1, found 2.');
  });

  it('tells of grants by what they are worth more than the balance', () => {
    const found = grantFinding({ customerId: 'cus_1', granted: 66n, balance: 72n }, now);
    expect(found).toMatchObject({ kind: 'grants_differ', ref: 'cus_1', customerId: 'cus_1', amount: usd(-6n) });
  });

  it('tells of what is left of cases that are over by what the books have more than those that are open', () => {
    const left = (ref: string, atoms: bigint, state: string | null) => ({
      ref,
      atoms,
      state,
      customerId: null,
      since: now,
    });
    const money = {
      account: 'stripe:disputed',
      balance: -90n,
      open: -100n,
      leftovers: [left('du_1', -5n, 'closed'), left('du_2', 8n, 'lost'), left('entry:4', 7n, null)],
    };
    const found = leftoverFindings(money);
    expect(found.map(({ ref, amount, account }) => [ref, amount.atoms, account])).toEqual([
      ['du_1', -5n, 'stripe:disputed'],
      ['du_2', 8n, 'stripe:disputed'],
      ['entry:4', 7n, 'stripe:disputed'],
    ]);
    const sum = found.reduce((all, { amount }) => all + amount.atoms, 0n);
    expect(sum).toBe(differenceOf(waitingComparison(money)));
    expect(found.map(({ suggestedCause }) => suggestedCause)).toEqual([
      expect.stringContaining('given back less'),
      expect.stringContaining('never left'),
      expect.stringContaining('no such refund or dispute'),
    ]);
  });

  it('says that there may be more where as many are named as can be', () => {
    const found = Array.from({ length: 100 }, (_, id) => budgetFinding({ id: BigInt(id), held: 2n, holds: 1n }, now));
    expect(listed(found.slice(1))).toEqual(found.slice(1));
    for (const { suggestedCause } of listed(found)) expect(suggestedCause).toContain('there may be more');
  });

  it('tells of no amount where no money differs', () => {
    const found = [
      watchFinding({ customerId: 'c', lowest: 1n }, now),
      budgetFinding({ id: 4n, held: 2n, holds: 1n }, now),
    ];
    expect(found.map(({ kind, ref, amount }) => [kind, ref, amount.atoms])).toEqual([
      ['balance_unwatched', 'c', 0n],
      ['budget_counter_differs', '4', 0n],
    ]);
  });
});
