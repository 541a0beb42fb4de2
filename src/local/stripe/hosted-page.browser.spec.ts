import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import Stripe from 'stripe';
import { describeInBrowser, openBrowser } from '../../../test/support/browser';
import { type StripeSimulator, startStripeSimulator } from './stripe-simulator';

describeInBrowser('the hosted page in Chromium', () => {
  let simulator: StripeSimulator;
  let stripe: Stripe;
  let shop: Server;
  let shopUrl: string;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let page: Page;

  beforeAll(async () => {
    shop = createServer((request, response) => response.end(`shop ${request.url}`));
    await new Promise<void>((resolve) => void shop.listen(0, '127.0.0.1', resolve));
    shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
    simulator = await startStripeSimulator();
    const { host, port, secretKey } = simulator;
    stripe = new Stripe(secretKey, { host, port, protocol: 'http', telemetry: false });
    browser = await openBrowser();
    page = browser.page;
  });
  afterAll(async () => {
    await browser?.close();
    await simulator?.stop();
    shop?.closeAllConnections();
    shop?.close();
  });

  async function open(): Promise<Stripe.Checkout.Session> {
    const session = await stripe.checkout.sessions.create({
      customer_email: 'ada@example.com',
      line_items: [
        { quantity: 2, price_data: { currency: 'usd', unit_amount: 1250, product_data: { name: 'API credit <b>' } } },
      ],
      success_url: `${shopUrl}/done?session={CHECKOUT_SESSION_ID}`,
      cancel_url: `${shopUrl}/canceled`,
    });
    await page.goto(session.url ?? '');
    return session;
  }

  async function pay(card: string): Promise<void> {
    await page.fill('#card-number', '');
    await page.locator('#card-number').pressSequentially(card);
    await page.fill('#card-expiry', '');
    await page.locator('#card-expiry').pressSequentially('1240');
    await page.fill('#card-cvc', '123');
    await page.click('#pay');
  }

  it('shows what is bought, explains a decline, and takes another card', async () => {
    const session = await open();
    expect(await page.textContent('#total')).toBe('$25.00');
    expect(await page.textContent('ul')).toContain('API credit <b>');
    expect(await page.isVisible('#error')).toBe(false);
    await pay('4000000000009995');
    await page.waitForSelector('#error:visible');
    expect(await page.textContent('#error')).toBe('Your card has insufficient funds.');
    expect(await page.inputValue('#card-number')).toBe('4000 0000 0000 9995');
    await pay('4242424242424242');
    await page.waitForURL(`${shopUrl}/done?session=${session.id}`);
    await page.goto(`${simulator.url}/c/pay/${session.id}`);
    expect(page.url()).toBe(`${shopUrl}/done?session=${session.id}`);
  });

  it('asks for authentication, which may fail and be tried again', async () => {
    const session = await open();
    await pay('4000002760003184');
    await page.click('#fail-authentication');
    await page.waitForSelector('#error:visible');
    expect(await page.textContent('#error')).toContain('unable to authenticate');
    await pay('4000002760003184');
    await page.click('#authenticate');
    await page.waitForURL(`${shopUrl}/done?session=${session.id}`);
    expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('paid');
  });

  it('lets people pay later, and the start page answers for the bank', async () => {
    const session = await open();
    await page.click('#pay-later');
    await page.waitForURL(`${shopUrl}/done?session=${session.id}`);
    expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('unpaid');
    await page.goto(simulator.url);
    await page.click('text=Debit succeeds');
    await page.waitForURL(`${simulator.url}/`);
    expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('paid');
  });

  it('saves a card after the bank was asked, and a ticked one is offered with the next payment', async () => {
    const { id: customer } = await stripe.customers.create();
    const setup = { mode: 'setup', currency: 'usd', customer, success_url: `${shopUrl}/saved` } as const;
    await page.goto((await stripe.checkout.sessions.create(setup)).url ?? '');
    expect(await page.textContent('#pay')).toBe('Save card');
    await pay('4000002500003155');
    await page.click('#authenticate');
    await page.waitForURL(`${shopUrl}/saved`);
    const buy = async () => {
      const session = await stripe.checkout.sessions.create({
        line_items: [
          { quantity: 1, price_data: { currency: 'usd', unit_amount: 500, product_data: { name: 'Credit' } } },
        ],
        ...{ customer, success_url: `${shopUrl}/bought` },
        saved_payment_method_options: { payment_method_save: 'enabled' },
      });
      await page.goto(session.url ?? '');
    };
    await buy();
    // The card of the setup was saved for the merchant, not for the page.
    expect(await page.locator('.saved-card').count()).toBe(0);
    await page.check('#save-card');
    await pay('4242424242424242');
    await page.waitForURL(`${shopUrl}/bought`);
    await buy();
    expect(await page.textContent('.saved-card')).toBe('Pay with visa •••• 4242');
    await page.click('.saved-card');
    await page.waitForURL(`${shopUrl}/bought`);
    const paid = await stripe.paymentIntents.list({ customer });
    expect(paid.data.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
  });

  it('lets people leave, and says when it is too late', async () => {
    const session = await open();
    await page.click('#cancel');
    await page.waitForURL(`${shopUrl}/canceled`);
    await stripe.checkout.sessions.expire(session.id);
    await page.goto(session.url ?? '');
    expect(await page.textContent('#notice')).toContain('expired');
  });
});
