import { parse } from 'csv-parse/sync';
import type { Page } from 'playwright-core';
import { LOCAL_SECRETS } from '../../src/config/config';
import { sealLink } from '../../src/customers/page-link';
import { describeInBrowser, openBrowser } from '../support/browser';
import { type CardWorld, startCardWorld } from '../support/card-world';
import { Operator } from '../support/reconciliation-world';

/** The mean of red, green and blue, to 255. */
const lightness = (colour: string): number =>
  (colour.match(/[\d.]+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part) / 3, 0);

describeInBrowser('the report of a reconciliation', () => {
  let world: CardWorld;
  let operator: Operator;
  let page: Page;
  let close: () => Promise<void>;
  const problems: string[] = [];

  beforeAll(async () => {
    world = await startCardWorld();
    operator = new Operator(world.app);
    const { key } = await world.customer();
    const { session } = await world.topUp(key, 10_000);
    await world.press(`checkout/${session}/pay`);
    await world.delivered();
    await world.press('balance_transactions', { type: 'adjustment', amount: 2500, description: 'by hand' });
    await world.press('balance_transactions', { type: 'adjustment', amount: -1, description: 'a cent' });
    await operator.reconcile();
    const cent = (await operator.discrepancies('state=open')).find(({ amount }) => amount === '-0.01');
    const waiver = { by: 'Ada, finance', reason: '=1 cent', waive: true };
    expect((await operator.ask(`/admin/discrepancies/${cent.id}/resolve`, waiver)).status).toBe(200);
    ({ page, close } = await openBrowser());
    page.on('console', (message) => problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(String(error)));
  });
  afterAll(async () => {
    await close?.();
    await world?.stop();
  });

  const get = (path: string, accept?: string) =>
    fetch(`${world.app.url}${path}`, {
      headers: { authorization: `Bearer ${world.app.adminToken}`, ...(accept === undefined ? {} : { accept }) },
    });

  it('is JSON for programs, and ends in zero', async () => {
    const report = await operator.report();
    expect(report).toMatchObject({ verdict: 'open', open: [{ amount: '25' }], waived: [{ amount: '-0.01' }] });
    expect(report.sides.map(({ side }: any) => side)).toEqual(['stripe', 'chain', 'books']);
    expect(report.sides[0].asked.balances).toContainEqual({
      ...{ name: 'stripe:clearing', asset: 'USD', ours: '96.8', theirs: '121.79', difference: '24.99' },
    });
    expect(report.sides[0].totals).toEqual([
      { asset: 'USD', difference: '24.99', open: '25', waived: '-0.01', resolvedSince: '0', unexplained: '0' },
    ]);
  });

  it('is CSV for spreadsheets, by what is accepted or by name', async () => {
    const answer = await get('/admin/reconciliation', 'text/csv');
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(answer.headers.get('content-disposition')).toMatch(/"tollbridge-reconciliation-\d{4}-\d\d-\d\d\.csv"/);
    const rows = parse<Record<string, string>>(await answer.text(), { columns: true, recordDelimiter: '\r\n' });
    const named = (record: string, name: string) =>
      rows.filter((row) => row['record'] === record && row['name'] === name);
    expect(named('balance', 'stripe:clearing')).toMatchObject([
      { ours: '96.8', theirs: '121.79', difference: '24.99' },
    ]);
    expect(named('total', 'not explained').map(({ difference }) => difference)).toEqual(['0', '0']);
    expect(named('discrepancy', 'transaction_unexplained')).toMatchObject([
      { state: 'open', difference: '25', age_days: '0' },
      { state: 'waived', difference: '-0.01', reason: "'=1 cent" },
    ]);
    expect((await get('/admin/reconciliation?format=csv&side=books')).headers.get('content-type')).toContain(
      'text/csv',
    );
    expect((await get('/admin/reconciliation?format=pdf')).status).toBe(400);
  });

  it('is a page for people, that needs the token, runs nothing and is not wider than a phone', async () => {
    expect((await fetch(`${world.app.url}/admin/reconciliation`, { headers: { accept: 'text/html' } })).status).toBe(
      401,
    );
    await page.setExtraHTTPHeaders({ authorization: `Bearer ${world.app.adminToken}` });
    await page.goto(`${world.app.url}/admin/reconciliation`);
    expect(await page.title()).toBe('Reconciliation');
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Reconciliation');
    expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual([
      ...['Stripe', 'Chains', 'The books themselves', 'Open discrepancies', 'Waived'],
    ]);
    const stripe = page.getByRole('table', { name: 'Stripe: balances' });
    expect(
      await stripe.getByRole('row', { name: 'stripe:clearing (USD)' }).getByRole('cell').allTextContents(),
    ).toEqual([...['stripe:clearing (USD)', '96.8', '121.79', '24.99']]);
    expect(await stripe.getByRole('row', { name: 'Not explained (USD)' }).getByRole('cell').last().textContent()).toBe(
      '0',
    );
    const open = page.getByRole('table', { name: 'Open discrepancies' });
    expect(await open.getByRole('columnheader').allTextContents()).toEqual(['What', 'Most likely', 'Age', 'Amount']);
    expect(await open.textContent()).toContain('Stripe corrected the balance by hand');

    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect([width, overflow]).toEqual([width, 0]);
    }
    // Readable where the person's screen is dark; on paper it stays light.
    const colours = () =>
      page.evaluate<string[]>(
        "['body', 'main'].flatMap((name) => { const { color, backgroundColor } = getComputedStyle(document.querySelector(name)); return [color, backgroundColor]; })",
      );
    const light = await colours();
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await colours();
    expect([lightness(light[0]!) < 60, lightness(light[3]!) > 240]).toEqual([true, true]);
    expect([lightness(dark[0]!) > 200, lightness(dark[3]!) < 60]).toEqual([true, true]);
    await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
    expect(lightness((await colours())[0]!)).toBeLessThan(60);
    await page.emulateMedia({ colorScheme: null, media: null });
    expect((await page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-');
    expect(problems.filter((problem) => !problem.includes('favicon'))).toEqual([]);
    if (process.env['SCREENSHOT']) await page.screenshot({ path: process.env['SCREENSHOT'], fullPage: true });
  });

  it('opens in a browser by a link alone, which ends by itself and opens nothing else', async () => {
    const { status, body } = await operator.ask('/admin/reconciliation/page-links', {});
    expect([status, body.url]).toEqual([
      201,
      expect.stringMatching(/^https:\/\/tollbridge\.example\/reconciliation\//),
    ]);
    const { pathname } = new URL(body.url);
    await page.setExtraHTTPHeaders({});
    const answer = await page.goto(`${world.app.url}${pathname}`);
    expect(answer?.headers()).toMatchObject({ 'cache-control': 'private, no-store', 'referrer-policy': 'no-referrer' });
    expect(answer?.headers()['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+';.*form-action 'none'/,
    );
    const text = await page.getByRole('main').textContent();
    expect(text).toContain(`This link works until ${body.expiresAt.slice(0, 19).replace('T', ' ')} UTC`);
    expect(text).toMatch(/since\s+\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
    expect(await page.getByRole('table', { name: 'Open discrepancies' }).textContent()).toContain('25 USD');

    const link = { subject: 'report', expiresAt: new Date(Date.now() - 1000) };
    const sealed = (pageName: string) => sealLink({ ...link, page: pageName }, LOCAL_SECRETS.apiKeyPepper);
    for (const [path, refused, sentence] of [
      [`/reconciliation/${sealed('reconciliation')}`, 410, 'This link has expired'],
      [`/reconciliation/${sealed('billing')}`, 404, 'This link opens nothing'],
      [`${pathname}x`, 404, 'This link opens nothing'],
      [pathname.replace('/reconciliation/', '/billing/'), 404, 'This link opens nothing'],
    ] as const) {
      const denied = await fetch(`${world.app.url}${path}`);
      expect([denied.status, denied.headers.get('content-type')]).toEqual([refused, 'text/html; charset=utf-8']);
      expect(await denied.text()).toContain(sentence);
    }
    const { key } = await world.customer();
    expect((await world.ask(key, '/admin/reconciliation/page-links', {})).status).toBe(403);
  });
});
