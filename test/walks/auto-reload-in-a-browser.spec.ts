import getPort from 'get-port';
import type { Page } from 'playwright-core';
import { startUpstream, type Upstream } from '../../src/local/upstream/upstream-simulator';
import { describeInBrowser, openBrowser } from '../support/browser';
import { conclude } from '../support/card-world';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';
import { seedPrices } from '../support/world';

describeInBrowser('a balance that fills itself up, in a browser', () => {
  let upstream: Upstream;
  let world: ReloadWorld;
  let page: Page;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const port = await getPort();
    upstream = await startUpstream();
    world = await startReloadWorld({
      PORT: String(port),
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      UPSTREAM_URL: upstream.url,
    });
    await seedPrices(world.app);
    ({ page, close } = await openBrowser());
  });
  afterAll(async () => {
    await close?.();
    await world?.stop();
    await upstream?.stop();
  });

  /** Costs $0.10. */
  const call = async (key: string) => {
    const messages = [{ role: 'user', content: 'hello' }];
    expect((await world.ask(key, '/v1/chat/completions', { model: 'flat', messages })).status).toBe(200);
  };
  const textOf = (selector: string) => page.innerText(selector);

  it('is told to on the page, and does it when calls have used it', async () => {
    const { key } = await world.customer(['billing', 'inference']);
    const { session } = await world.topUp(key, 1030);
    await world.press(`checkout/${session}/pay`);
    await world.delivered();
    const link = await world.ask(key, '/v1/billing-links', {});
    expect(link.status).toBe(201);
    await page.goto(link.body.url);
    expect(await textOf('#available')).toBe('$10.30');
    expect(await textOf('#reload-state')).toBe('Not set up');

    await page.click('#add-card');
    await page.fill('#card-number', '4242424242424242');
    await page.fill('#card-expiry', '12 / 40');
    await page.fill('#card-cvc', '123');
    await page.click('#pay');
    await page.waitForURL(`${link.body.url}?done=card-saved`);
    expect(await textOf('[role=status]')).toBe('The card is saved.');
    expect(await textOf('#card-list')).toContain('Visa ending in 4242');

    await page.getByLabel('When the balance falls below').fill('10');
    await page.getByLabel('Add', { exact: true }).fill('2');
    await page.click('#save-reload');
    expect(await page.getByLabel('Add', { exact: true }).getAttribute('aria-invalid')).toBe('true');
    expect(await textOf('#amount-fault')).toBe('Write an amount from $5.00 to $10,000.00.');
    expect(await page.getByLabel('When the balance falls below').inputValue()).toBe('10');
    await page.getByLabel('Add', { exact: true }).fill('25');
    await page.getByLabel('At most per month').fill('100');
    await page.click('#save-reload');
    expect(await textOf('#reload-state')).toBe('On');
    expect(await world.rule(key)).toMatchObject({ threshold: '10', amount: '25', dayCap: null, monthCap: '100' });

    for (let calls = 0; calls < 4; calls += 1) await call(key);
    await world.settled();
    await page.goto(link.body.url);
    expect(await textOf('#available')).toBe('$34.90');
    expect(await textOf('#attempts')).toMatch(/\$25\.00[^]*Added/);
    expect(await textOf('#top-up-list')).toMatch(/\$25\.00[^]*Auto-reload[^]*Paid[^]*\$10\.30/);
    expect(await textOf('#grants')).toMatch(/\$9\.90[^]*\$25\.00/);

    await page
      .getByRole('link', { name: /Receipt/ })
      .first()
      .click();
    expect(page.url()).toContain(world.simulator.url);

    await page.goto(link.body.url);
    await page.click('#pause');
    expect(await textOf('#reload-state')).toBe('Paused');
    await page.click('text=Remove');
    expect(await textOf('[role=status]')).toBe('The card is removed.');
    expect((await world.ask(key, '/v1/cards')).body.data).toEqual([]);
    await conclude(world);
  });
});
