import { setTimeout as sleep } from 'node:timers/promises';
import { usd } from '../../src/common/money';
import { DatabaseService } from '../../src/database/database.service';
import { stripeFeeCharged, topUpReceived } from '../../src/ledger/entries';
import { entriesQuery } from '../../src/ledger/journal.service';
import type { JournalEntry } from '../../src/ledger/journal-entry';
import { LedgerService } from '../../src/ledger/ledger.service';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { inIndexOrder } from '../../src/ledger/index-order';
import { LAST_BEFORE, LINES_BY_POSTED } from '../../src/ledger/statement-queries';
import { startTestApp, type TestApp } from '../support/app';
import { bookCreditCall } from '../support/books';
import { asOwner } from '../support/owner';
import { customerWith } from '../support/world';

const DAY = 86_400_000;

/** Balances and statements as of any instant, by both dates; corrections; a customer's entries. */
describe('accounts at any instant', () => {
  let world: TestApp;
  let acme: Awaited<ReturnType<typeof customerWith>>;
  /** Between the entries, each later than what was posted before it. */
  const marks: Date[] = [];
  let feeEntry: string;

  const mark = async () => {
    await sleep(5);
    marks.push(new Date());
    await sleep(5);
  };
  const post = async (entry: JournalEntry) => {
    const verdict = await world.app.get(LedgerService).post(entry);
    return 'entryId' in verdict ? verdict.entryId : '';
  };
  const send = async (method: string, path: string, body?: unknown, token = world.adminToken) => {
    const answer = await fetch(`${world.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as any };
  };
  const get = async (path: string) => (await send('GET', path)).body;

  beforeAll(async () => {
    world = await startTestApp({ JOBS_IN_PROCESS: 'false' });
    await mark();
    acme = await customerWith(world, 1_000_000n);
    await mark();
    for (const atoms of [11n, 13n, 17n]) await bookCreditCall(world, { ...acme, atoms });
    await mark();
    // Paid ten days ago, and heard of only now.
    const late = { topUpId: 'top_late', customerId: acme.customerId, paymentIntentId: 'pi_late' };
    await post({
      ...topUpReceived({ ...late, gross: usd(500n), fee: usd(0n) }),
      effectiveAt: new Date(marks[0]!.getTime() - 10 * DAY),
    });
    feeEntry = await post(stripeFeeCharged({ paymentIntentId: 'pi_1', customerId: null, fee: usd(30n) }));
    await mark();
  });
  afterAll(() => world?.stop());

  const account = () => `/admin/accounts/customer:${acme.customerId}:credits`;
  const atomsAt = async (at: Date, by: string) =>
    (await get(`${account()}/balance?at=${at.toISOString()}&by=${by}`)).atoms;

  it('have a balance by posting date and one by effective date', async () => {
    expect(await Promise.all(marks.map((at) => atomsAt(at, 'posted')))).toEqual(['0', '1000000', '999959', '1000459']);
    expect(await Promise.all(marks.map((at) => atomsAt(at, 'effective')))).toEqual([
      '500',
      '1000500',
      '1000459',
      '1000459',
    ]);
    const longAgo = new Date(marks[0]!.getTime() - 11 * DAY);
    expect([await atomsAt(longAgo, 'posted'), await atomsAt(longAgo, 'effective')]).toEqual(['0', '0']);
    expect((await get(`${account()}/balance`)).atoms).toBe('1000459');
  });

  it("tell a customer's key what it had", async () => {
    const { body } = await send('GET', `/v1/balance?at=${marks[2]!.toISOString()}`, undefined, acme.key);
    expect(body).toEqual({
      customerId: acme.customerId,
      at: marks[2]!.toISOString(),
      balances: [
        { currency: 'USD', posted: '0.000999959', owed: '0' },
        { currency: 'USDC', posted: '0', owed: '0' },
      ],
    });
    expect((await send('GET', '/v1/balance?at=yesterday', undefined, acme.key)).body.code).toBe('invalid_instant');
  });

  it.each(['posted', 'effective'])('have a statement by %s date: opening, lines, closing, page by page', async (by) => {
    const from = new Date(marks[0]!.getTime() - 20 * DAY).toISOString();
    for (const [start, end] of [
      [from, marks[3]!.toISOString()],
      [marks[1]!.toISOString(), marks[2]!.toISOString()],
      [marks[2]!.toISOString(), marks[3]!.toISOString()],
    ]) {
      const lines: any[] = [];
      let page: any;
      for (let cursor = ''; page === undefined || page.next !== null; cursor = `&cursor=${page.next}`) {
        page = await get(`${account()}/statement?from=${start}&to=${end}&by=${by}&limit=2${cursor}`);
        lines.push(...page.data);
      }
      const nano = (text: string) => Math.round(Number(text) * 1e9);
      let balance = nano(page.opening);
      for (const line of lines) {
        balance += nano(line.amount);
        expect(nano(line.balance)).toBe(balance);
      }
      expect(nano(page.closing)).toBe(balance);
      const dates: string[] = lines.map((line) => (by === 'posted' ? line.postedAt : line.effectiveAt));
      expect(dates).toEqual(dates.toSorted((a, b) => a.localeCompare(b)));
      expect(lines.every((_, index) => dates[index]! >= start! && dates[index]! < end!)).toBe(true);
    }
    const whole = await get(`${account()}/statement?from=${from}&to=${marks[3]!.toISOString()}&by=${by}`);
    expect(whole.data.map((line: any) => line.kind)).toEqual(
      by === 'posted'
        ? ['topup_received', 'call_captured', 'call_captured', 'call_captured', 'topup_received']
        : ['topup_received', 'topup_received', 'call_captured', 'call_captured', 'call_captured'],
    );
  });

  it('refuse what is no account and no cursor', async () => {
    expect(await send('GET', '/admin/accounts/nobody/balance')).toMatchObject({
      status: 404,
      body: { code: 'account_not_found' },
    });
    expect((await get(`${account()}/statement?cursor=abc`)).code).toBe('invalid_cursor');
    expect((await send('GET', `${account()}/balance`, undefined, acme.key)).status).toBe(403);
  });

  it('are corrected by a new entry that names the old one, once, and can be corrected back', async () => {
    const correct = (id: string, body: unknown = { reason: 'charged twice' }) =>
      send('POST', `/admin/entries/${id}/corrections`, body);
    const fees = async () => (await get('/admin/accounts/stripe:fees/balance')).atoms;
    expect(await fees()).toBe('-30');
    const corrected = await correct(feeEntry);
    expect(corrected).toMatchObject({ status: 201, body: { corrects: feeEntry } });
    expect(await fees()).toBe('0');
    const [entry] = (await get('/admin/entries?kind=entry_corrected')).data;
    expect(entry).toMatchObject({
      corrects: feeEntry,
      memo: { reason: 'charged twice' },
      key: `correction:${feeEntry}`,
    });
    expect(await correct(feeEntry)).toMatchObject({
      status: 409,
      body: { code: 'entry_already_corrected', correction: corrected.body.entryId },
    });
    expect((await correct(corrected.body.entryId)).status).toBe(201);
    expect(await fees()).toBe('-30');

    const [call] = (await get(`/admin/entries?kind=call_captured&limit=1`)).data;
    expect(await correct(call.id)).toMatchObject({ status: 409, body: { code: 'entry_not_correctable' } });
    expect((await correct('999999999')).body.code).toBe('entry_not_found');
    expect((await correct('x')).body.code).toBe('entry_not_found');
    expect((await correct(feeEntry, {})).body.code).toBe('invalid_request');
    expect((await world.app.get(LedgerVerifyService).verify()).checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  it("list a customer's entries, also those that somebody else is named in", async () => {
    const other = await customerWith(world, 5n);
    const all = (await get(`/admin/entries?customerId=${acme.customerId}`)).data;
    expect(all.map(({ kind }: any) => kind)).toEqual([
      'topup_received',
      'call_captured',
      'call_captured',
      'call_captured',
      'topup_received',
    ]);
    const page = await get(`/admin/entries?customerId=${acme.customerId}&limit=2`);
    const rest = await get(`/admin/entries?customerId=${acme.customerId}&after=${page.next}`);
    expect([...page.data, ...rest.data]).toEqual(all);
    expect((await get(`/admin/entries?customerId=${acme.customerId}&kind=topup_received&limit=1`)).data).toEqual([
      all[0],
    ]);
    expect((await get(`/admin/entries?customerId=${other.customerId}`)).data).toHaveLength(1);
  });

  it('walk their indexes, on books that are nearly empty and on full ones', async () => {
    const database = world.app.get(DatabaseService);
    const plan = (text: string, parameters: readonly unknown[]) =>
      inIndexOrder(database, async (tx) =>
        (await tx.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, parameters))
          .map((row) => row['QUERY PLAN'])
          .join('\n'),
      );
    const { sql, parameters } = entriesQuery({ customerId: acme.customerId }, 50);
    const PAGE = [1, marks[0]!.toISOString(), marks[3]!.toISOString(), 0, 9_999_999, 0, 0, 101];
    const expectIndexes = async () => {
      for (const text of [
        await plan(sql, parameters),
        await plan(LAST_BEFORE, [1, marks[3]!.toISOString()]),
        await plan(LINES_BY_POSTED, PAGE),
      ]) {
        for (const side of ['debit', 'credit']) {
          expect(text).toMatch(
            new RegExp(`Index (Only )?Scan (Backward )?using postings_\\d+_\\d+_${side}_account_id_entry_id_idx`),
          );
        }
        expect(text).not.toMatch(/Seq Scan on postings/);
      }
    };
    await expectIndexes();
    await Promise.all(
      Array.from({ length: 3_000 }, (_, n) =>
        post(stripeFeeCharged({ paymentIntentId: `pi_n${n}`, customerId: null, fee: usd(1n) })),
      ),
    );
    await asOwner(world, 'ANALYZE postings');
    await expectIndexes();
  });
});
