import { parse } from 'csv-parse/sync';
import { newId, prefixedId } from '../../src/common/id';
import { parseMoney, usd } from '../../src/common/money';
import { customerCredits, stripeDisputed, stripeRefunding } from '../../src/ledger/ledger-account';
import type { JournalEntry } from '../../src/ledger/journal-entry';
import type { LedgerHold } from '../../src/ledger/ledger.service';
import { decimal, expectSoundBooks, json, post, query } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { chat, customerWith, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;

/** Every amount is a different power of ten, so that none can stand in another's place. */
describe('the roll-forward of prepaid credit', () => {
  let world: World;
  let grants: GrantsWorld;

  beforeAll(async () => {
    world = await startWorld({ JOBS_IN_PROCESS: 'false' });
    grants = new GrantsWorld(world);
  });
  afterAll(() => world?.stop());

  const asked = async (from: string, to: string) => {
    const headers = { authorization: `Bearer ${world.adminToken}` };
    const report = await json(
      await fetch(`${world.url}/admin/credits/roll-forward?from=${from}&to=${to}`, { headers }),
    );
    const csv = await (
      await fetch(`${world.url}/admin/credits/roll-forward.csv?from=${from}&to=${to}`, { headers })
    ).text();
    const rows: Record<string, string>[] = parse(csv, { columns: true });
    return { report, rows, paid: report.classes[0], promo: report.classes[1] };
  };
  const instant = async (): Promise<string> => (await grants.instant()).toISOString();
  /** What customers' credit lost to accounts of this name in a period, less what it gained from them. In SQL of its own. */
  const lostTo = async (code: string, from: string, to: string): Promise<bigint> => {
    const [row] = await query(
      world,
      `SELECT coalesce(sum(CASE WHEN d.code ~ '^customer:.*:(credits|grant:.*)$' THEN atoms ELSE -atoms END), 0)::bigint AS atoms
         FROM postings JOIN ledger_accounts d ON d.id = debit_account_id JOIN ledger_accounts c ON c.id = credit_account_id
        WHERE posted_at >= $2 AND posted_at < $3
          AND (d.code ~ '^customer:.*:(credits|grant:.*)$' AND c.code = $1 OR c.code ~ '^customer:.*:(credits|grant:.*)$' AND d.code = $1)`,
      [code, from, to],
    );
    return row.atoms;
  };
  const entry = (customerId: string, atoms: bigint, to = stripeRefunding()): JournalEntry => {
    const posting = { from: customerCredits(customerId, 'USD'), to, amount: usd(atoms) };
    return { key: `test:${newId()}`, kind: 'test_taken', customerId, postings: [posting] };
  };

  it('says what became of it, class by class, and adds up to the accounts at both ends', async () => {
    const start = await instant();
    const one = prefixedId('cus');
    const { customerId: two, key } = await customerWith(world, 0n);
    const refundable = await grants.give(one, 100n * DOLLAR);
    await grants.use(one, 10n * DOLLAR);
    const middle = await instant();

    // Used in the first period or in this one: no checkpoint has told them apart.
    await grants.use(one, DOLLAR);
    const taken = await grants.transaction((tx) =>
      grants.grants.take(tx, entry(one, DOLLAR / 10n), { grantIds: [refundable], amount: usd(DOLLAR / 10n) }),
    );
    expect(taken.kind).toBe('taken');
    await grants.give(one, DOLLAR / 100n, { expiresAt: new Date(Date.now() - 1) });
    expect(await grants.hold(one, 1n)).toBeDefined();
    const given = async (amount: string, models?: string[]): Promise<string> => {
      const body = { customerId: two, amount, reason: 'A gift.', ...(models === undefined ? {} : { models }) };
      return (await json(await post(world, '/admin/grants', world.adminToken, body))).id;
    };
    const gift = await given('7');
    await grants.use(two, DOLLAR / 1000n);
    await post(world, `/admin/grants/${gift}/void`, world.adminToken, { reason: 'A mistake.' });
    const disputed = await grants.give(two, 5n * DOLLAR);
    const holdId = newId();
    await grants.transaction((tx) => grants.frozen.freeze(tx, [disputed], holdId));
    // In an account of its own.
    await given('0.5', ['flat']);
    expect((await chat(world.url, key, { model: 'flat' })).status).toBe(200);
    await grants.end(await given('3'));
    const end = await instant();

    const nothing = { opening: '0', sold: '0', granted: '0', returned: '0', used: '0', expired: '0', refunded: '0' };
    const before = await asked(start, middle);
    expect(before.paid).toEqual({
      ...{ ...nothing, class: 'paid', sold: '100', used: '10', voided: '0', closing: '90' },
      ...{ frozen: '0', ended: '0' },
    });
    const after = await asked(middle, end);
    expect(after.paid).toEqual({
      ...{ ...nothing, class: 'paid', opening: '90', sold: '5.01', used: '1', expired: '0.01', refunded: '0.1' },
      ...{ voided: '0', closing: '93.9', frozen: '5', ended: '0' },
    });
    expect(after.promo).toEqual({
      ...{ ...nothing, class: 'promo', granted: '10.5', used: '0.101', voided: '6.999' },
      ...{ closing: '3.4', frozen: '0', ended: '3' },
    });
    const whole = await asked(start, end);
    for (const { report, rows, paid, promo } of [before, after, whole]) {
      expect(report.uncovered).toEqual({ opening: '0', closing: '0' });
      for (const edge of ['opening', 'closing']) {
        const both = parseMoney(paid[edge], 'USD').atoms + parseMoney(promo[edge], 'USD').atoms;
        expect(decimal(both)).toBe(report.ledger[edge]);
      }
      expect(rows.map((row) => row['class'])).toEqual(['paid', 'promo', 'uncovered', 'ledger']);
      expect(rows[0]).toEqual({ from: report.from, to: report.to, ...paid });
      expect(rows[3]).toMatchObject(report.ledger);
    }
    expect(after.report.ledger.opening).toBe(before.report.ledger.closing);
    const [balance] = await query(
      world,
      `SELECT sum(credits_posted - debits_posted)::bigint AS atoms FROM ledger_accounts
        WHERE code ~ '^customer:.*:(credits|grant:.*)$' AND asset = 'USD'`,
    );
    expect(whole.report.ledger.closing).toBe(decimal(balance.atoms));
    // Each line is what the books moved between credit and one account of the house.
    const sum = (column: string) =>
      parseMoney(whole.paid[column], 'USD').atoms + parseMoney(whole.promo[column], 'USD').atoms;
    const ties: [string, bigint][] = [
      ['revenue:inference', sum('used')],
      ['revenue:breakage', sum('expired')],
      ['stripe:refunding', sum('refunded')],
      ['stripe:clearing', -sum('sold')],
      ['expense:promo', sum('voided') - sum('granted')],
    ];
    for (const [code, atoms] of ties) expect([code, await lostTo(code, start, end)]).toEqual([code, atoms]);
    await expectSoundBooks(world);
  });

  it('goes on from there: what is frozen is lost or free again, what has ended is booked', async () => {
    const start = await instant();
    const customerId = prefixedId('cus');
    const grant = await grants.give(customerId, 10n * DOLLAR);
    const holdId = newId();
    await grants.transaction((tx) => grants.frozen.freeze(tx, [grant], holdId));
    const lost = entry(customerId, 4n * DOLLAR, stripeDisputed());
    await grants.transaction((tx) =>
      grants.grants.take(tx, lost, { grantIds: [grant], amount: usd(4n * DOLLAR), frozenBy: holdId }),
    );
    const back: JournalEntry = {
      ...entry(customerId, DOLLAR),
      postings: [{ from: stripeDisputed(), to: customerCredits(customerId, 'USD'), amount: usd(DOLLAR) }],
    };
    await grants.transaction((tx) => grants.grants.giveBack(tx, back, { grantId: grant, amount: usd(DOLLAR) }));
    const hold = (await grants.hold(customerId, DOLLAR)) as LedgerHold;
    await grants.capture(hold, 3n * DOLLAR);
    const { paid } = (await asked(start, await instant())) as { paid: Record<string, string> };
    expect(paid).toMatchObject({ sold: '10', refunded: '4', returned: '1', used: '3', frozen: '5', ended: '0' });
    await expectSoundBooks(world);
  });
});
