import getPort from 'get-port';
import type { Page } from 'playwright-core';
import { describeInBrowser, openBrowser } from '../support/browser';
import { conclude } from '../support/card-world';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** Its bank wants to see the holder at every payment. */
const CARD = '4000002760003184';

describeInBrowser('a saved card that needs authentication, in a browser', () => {
  let world: ReloadWorld;
  let page: Page;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const port = await getPort();
    world = await startReloadWorld({ PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` });
    ({ page, close } = await openBrowser());
  });
  afterAll(async () => {
    await close?.();
    await world?.stop();
  });

  /** Types it on the page of Stripe's, and says to the bank who is there. */
  const useCard = async () => {
    await page.fill('#card-number', CARD);
    await page.fill('#card-expiry', '12 / 40');
    await page.fill('#card-cvc', '123');
    await page.click('#pay');
    await page.click('#authenticate');
  };
  const textOf = (selector: string) => page.innerText(selector);

  it('leads its holder to a page to pay on, and the balance is filled up', async () => {
    const { key } = await world.customer();
    const link = await world.ask(key, '/v1/billing-links', {});
    await page.goto(link.body.url);
    await page.click('#add-card');
    await useCard();
    await page.waitForURL(`${link.body.url}?done=card-saved`);

    await page.getByLabel('When the balance falls below').fill('10');
    await page.getByLabel('Add', { exact: true }).fill('25');
    await page.click('#save-reload');
    await world.settled();
    await page.goto(link.body.url);
    expect(await textOf('#available')).toBe('$0.00');
    expect(await textOf('#reload-state')).toBe('Waits for you');
    expect(await textOf('#reload-reason')).toContain('your bank wants you to confirm the payment');
    expect(await textOf('[role=alert]')).toContain('confirm a payment of $25.00');

    await page.locator('[role=alert]').getByRole('link', { name: 'Confirm the payment' }).click();
    expect(page.url()).toContain(world.simulator.url);
    await useCard();
    await page.waitForURL(`${world.app.url}/topups/return**`);
    await world.settled();

    await page.goto(link.body.url);
    expect(await textOf('#available')).toBe('$25.00');
    expect(await textOf('#reload-state')).toBe('On');
    expect(await textOf('#attempts')).toMatch(/\$25\.00[^]*Added/);
    expect(await page.locator('[role=alert]').count()).toBe(0);
    expect(await textOf('#top-up-list')).toMatch(/\$25\.00[^]*Auto-reload[^]*Paid/);
    await conclude(world);
  });
});
