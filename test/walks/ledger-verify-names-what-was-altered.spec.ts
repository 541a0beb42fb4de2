import { newId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { customerCredits } from '../../src/ledger/ledger-account';
import { LedgerService } from '../../src/ledger/ledger.service';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import type { VerificationProgress } from '../../src/ledger/verification';
import { startTestApp, type TestApp } from '../support/app';
import { bookChainCall, bookCreditCall } from '../support/books';
import { get, json } from '../support/calls';
import { asOwner } from '../support/owner';
import { customerWith } from '../support/world';

const CALLS = 4;
const CHAIN_CALLS = 1;

/** What was changed, in accounts, postings, usage or keys, is found by the check that is named for it, and by no other. */
describe('the proof of the books', () => {
  let world: TestApp;
  let customerId: string;

  beforeAll(async () => {
    world = await startTestApp();
    const acme = await customerWith(world, 1_000_000_000n);
    ({ customerId } = acme);
    for (let call = 1; call <= CALLS; call++) {
      await bookCreditCall(world, { customerId, keyId: acme.keyId, atoms: BigInt(call * 7919) });
    }
    await bookChainCall(world, '0x70997970c51812dc3a010c7d01b50e0d17dc79c8', 333n);
  });
  afterAll(() => world?.stop());

  const verify = () => world.app.get(LedgerVerifyService).verify();
  const failed = async () => (await verify()).checks.filter(({ ok }) => !ok).map(({ name }) => name);
  /** Past the triggers, as only a superuser can; and back. */
  const tamper = (sql: string) => asOwner(world, 'SET LOCAL session_replication_role = replica', sql);

  it('passes on clean books with calls in flight, and tells how far it is', async () => {
    const hold = { id: newId(), account: customerCredits(customerId, 'USD'), amount: usd(77n) };
    await world.app.get(LedgerService).hold(hold, new Date(Date.now() + 60_000));
    const steps: VerificationProgress[] = [];
    const report = await world.app
      .get(LedgerVerifyService)
      .verify({ onProgress: (progress) => void steps.push(progress) });
    await world.app.get(LedgerService).release(hold);
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(Object.fromEntries(report.checks.map(({ name, checked }) => [name, checked]))).toMatchObject({
      held_amounts: 1,
      keys_and_entries: 1 + CALLS + CHAIN_CALLS,
      usage_and_entries: CALLS + CHAIN_CALLS,
      usage_and_invoices: CALLS + CHAIN_CALLS,
    });
    const walked = steps.filter(({ step }) => step === 'chain');
    expect([walked[0], walked.at(-1)]).toMatchObject([
      { done: 0 },
      { done: walked[0]?.total, entries: 1 + CALLS + CHAIN_CALLS },
    ]);
    const after = steps.slice(walked.length);
    expect(after.map(({ done }) => done)).toEqual(after.map((_, index) => index));
    expect(after.at(-1)).toMatchObject({ step: 'all months', done: (after[0]?.total ?? 0) - 1 });
    expect(await json(await get(world, '/admin/ledger/verify'))).toMatchObject({ ok: true });
  });

  it('finds a balance that was altered', async () => {
    const account = `code = 'customer:${customerId}:credits'`;
    await tamper(`UPDATE ledger_accounts SET credits_posted = credits_posted + 1 WHERE ${account}`);
    const report = await json(await get(world, '/admin/ledger/verify'));
    expect(report.ok).toBe(false);
    expect(report.checks.filter((check: any) => !check.ok).map((check: any) => check.name)).toEqual([
      'zero_sum',
      'account_balances',
      'running_balances',
    ]);
    expect(report.checks.find((check: any) => check.name === 'account_balances').faults[0].subject).toBe(
      `customer:${customerId}:credits USD`,
    );
    await tamper(`UPDATE ledger_accounts SET credits_posted = credits_posted - 1 WHERE ${account}`);
    expect(await failed()).toEqual([]);
  });

  const calls = `SELECT entry_id FROM usage_records WHERE api_key_id IS NOT NULL ORDER BY id OFFSET 1 LIMIT 1`;
  it.each([
    [
      'a hold that nobody holds',
      `UPDATE ledger_accounts SET held = held + 1 WHERE code LIKE '%:credits' AND asset = 'USDC'`,
      `UPDATE ledger_accounts SET held = held - 1 WHERE code LIKE '%:credits' AND asset = 'USDC'`,
      ['held_amounts'],
    ],
    [
      'a posting that was changed',
      `UPDATE postings SET atoms = atoms + 1 WHERE entry_id = (${calls})`,
      `UPDATE postings SET atoms = atoms - 1 WHERE entry_id = (${calls})`,
      ['flush_digests', 'account_balances', 'running_balances', 'usage_and_entries'],
    ],
    [
      'a charged call that lost its invoice',
      `UPDATE usage_records SET invoice_id = NULL, error_code = invoice_id WHERE entry_id = (${calls})`,
      `UPDATE usage_records SET invoice_id = error_code, error_code = NULL WHERE error_code LIKE 'inv_%'`,
      ['usage_and_invoices'],
    ],
    [
      'usage that was changed',
      `UPDATE usage_records SET atoms = atoms + 1 WHERE api_key_id IS NOT NULL AND entry_id = (SELECT max(entry_id) FROM usage_records WHERE api_key_id IS NOT NULL)`,
      `UPDATE usage_records SET atoms = atoms - 1 WHERE api_key_id IS NOT NULL AND entry_id = (SELECT max(entry_id) FROM usage_records WHERE api_key_id IS NOT NULL)`,
      ['usage_and_entries', 'usage_and_revenue'],
    ],
    [
      'a charge that moved to another customer',
      `UPDATE usage_records SET customer_id = 'cus_x' || customer_id WHERE entry_id = (${calls})`,
      `UPDATE usage_records SET customer_id = substr(customer_id, 6) WHERE customer_id LIKE 'cus_x%'`,
      ['usage_and_entries'],
    ],
    [
      'a key that lost its entry',
      `INSERT INTO journal_keys VALUES ('forged', gen_random_uuid(), 999999)`,
      `DELETE FROM journal_keys WHERE key = 'forged'`,
      ['keys_and_entries'],
    ],
    [
      'an entry under another key',
      `UPDATE journal_entries SET key = 'x' || key WHERE id = (${calls})`,
      `UPDATE journal_entries SET key = substr(key, 2) WHERE id = (${calls})`,
      ['flush_digests'],
    ],
    [
      'a call that vanished',
      `UPDATE usage_records SET entry_id = -entry_id, atoms = 0, error_code = asset || atoms
        WHERE id = (SELECT id FROM usage_records ORDER BY id LIMIT 1)`,
      `UPDATE usage_records SET entry_id = -entry_id, atoms = substr(error_code, length(asset) + 1)::bigint, error_code = NULL
        WHERE entry_id < 0`,
      ['usage_and_entries', 'usage_and_revenue'],
    ],
  ])('finds %s', async (_, alter, restore, names) => {
    await tamper(alter);
    expect(await failed()).toEqual(names);
    await tamper(restore);
    expect(await failed()).toEqual([]);
  });
});
