import getPort from 'get-port';
import type { Page } from 'playwright-core';
import { describeInBrowser, openBrowser } from '../support/browser';
import { type CardWorld, startCardWorld } from '../support/card-world';

describeInBrowser('a customer tops up in a browser', () => {
  let world: CardWorld;
  let page: Page;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const port = await getPort();
    world = await startCardWorld({ PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` });
    ({ page, close } = await openBrowser());
  });
  afterAll(async () => {
    await close?.();
    await world?.stop();
  });

  const startTopUp = async (key: string) => {
    const { body } = await world.ask(key, '/v1/topups', { amountCents: 2500 });
    await page.goto(body.url);
    return body.id as string;
  };
  const pay = async (card: string) => {
    await page.fill('#card-number', card);
    await page.fill('#card-expiry', '12 / 40');
    await page.fill('#card-cvc', '123');
    await page.click('#pay');
  };
  const availableTo = async (key: string) => (await world.ask(key, '/v1/balance')).body.available;

  it('is declined, pays with another card, lands on our page, and has the credit', async () => {
    const { key } = await world.customer();
    const id = await startTopUp(key);

    await pay('4000000000009995');
    await page.waitForSelector('#error:visible');
    expect(await availableTo(key)).toBe('0');

    await pay('4242424242424242');
    await page.waitForURL(`${world.app.url}/topups/return**`);
    await world.delivered();
    await page.reload();
    expect(await page.textContent('body')).toContain('$25');
    expect(await availableTo(key)).toBe('25');
    expect((await world.ask(key, `/v1/topups/${id}`)).body.state).toBe('paid');
  });

  it('changes its mind, and nothing is charged', async () => {
    const { key } = await world.customer();
    await startTopUp(key);

    await page.click('#cancel');

    await page.waitForURL(`${world.app.url}/topups/cancelled**`);
    expect(await availableTo(key)).toBe('0');
  });
});
