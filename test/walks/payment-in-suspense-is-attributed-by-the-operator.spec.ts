import type { Entry } from '../../src/cli/command';
import { listDisputes } from '../../src/cli/disputes';
import { writeOff } from '../../src/cli/receivables';
import { attributeSuspense, listSuspense } from '../../src/cli/suspense';
import { BookDifferences } from '../../src/topups/stripe-books/book-differences.service';
import { type Json } from '../support/card-world';
import { runCommand } from '../support/commands';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

const COMMANDS: readonly Entry[] = [
  { name: 'suspense list', summary: 'List', load: async () => listSuspense },
  { name: 'suspense attribute', summary: 'Attribute', load: async () => attributeSuspense },
  { name: 'disputes list', summary: 'List', load: async () => listDisputes },
  { name: 'receivables write-off', summary: 'Give up', load: async () => writeOff },
];

let world: PaybackWorld;

beforeAll(async () => {
  world = await startPaybackWorld();
});
afterEach(() => concludePayback(world));
afterAll(() => world?.stop());

const admin = (path: string, body?: unknown): Promise<{ status: number; body: Json }> =>
  world.ask(world.app.adminToken, `/admin/suspended-payments${path}`, body);
const attribute = (intent: string, customerId: string) =>
  admin(`/${intent}/attribution`, { customerId, reason: 'by an old link' });

/** The payments of which a reconciliation would say that they are in suspense. */
async function reported(): Promise<string[]> {
  const { findings } = await world.app.app.get(BookDifferences, { strict: false }).find(new Date());
  return findings.filter(({ kind }) => kind === 'payment_in_suspense').map(({ ref }) => ref);
}

/** A payment that somebody makes at our Stripe account without us. */
async function paidElsewhere(cents: number): Promise<{ intent: string; charge: string }> {
  const made = await world.stripe.checkout.sessions.create({
    mode: 'payment',
    line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: cents, product_data: { name: 'Else' } } }],
    success_url: 'https://elsewhere.example/',
  });
  await world.press(`checkout/${made.id}/pay`);
  await world.settled();
  const { payment_intent: intent } = await world.stripe.checkout.sessions.retrieve(made.id);
  const { latest_charge: charge } = await world.stripe.paymentIntents.retrieve(intent as string);
  return { intent: intent as string, charge: charge as string };
}

test('a card payment in suspense becomes the credit of whom the operator names, and goes back from there', async () => {
  const { intent, charge } = await paidElsewhere(4200);
  const [{ customer, key }, { customer: other }] = [await world.customer(), await world.customer()];
  expect((await admin('')).body.data).toMatchObject([{ paymentIntentId: intent, amount: '42' }]);
  expect(await reported()).toEqual([intent]);
  expect(await world.house('suspense')).toBe('42');

  const attributed = { status: 201, body: { paymentIntentId: intent, customerId: customer.id, credited: '42' } };
  expect(await attribute(intent, customer.id)).toEqual(attributed);
  expect(await attribute(intent, customer.id)).toEqual(attributed);
  expect(await world.balance(key)).toMatchObject({ available: '42' });
  expect(await world.house('suspense')).toBe('0');
  expect((await admin('')).body.data).toEqual([]);
  expect(await reported()).toEqual([]);
  const refused = await attribute(intent, other.id);
  expect(refused).toMatchObject({ status: 409, body: { code: 'payment_not_in_suspense', customerId: customer.id } });

  await world.press(`charges/${charge}/refund`, { amount: 1200 });
  await world.settled();
  expect(await world.balance(key)).toMatchObject({ available: '30', owed: '0' });
  expect(await world.house('suspense')).toBe('0');
});

test('one that its bank warned of brings the warning along: it is frozen, and no card is charged', async () => {
  const saver = await world.saver();
  const { intent, charge } = await paidElsewhere(700);
  await world.press(`charges/${charge}/early_fraud_warning`);
  await world.settled();
  expect(await attribute(intent, saver.customer.id)).toMatchObject({ status: 201 });
  expect(await world.balance(saver.key)).toMatchObject({ posted: '7', available: '0' });
  const warnings = await world.ask(world.app.adminToken, `/admin/fraud-warnings?customerId=${saver.customer.id}`);
  expect(warnings.body.data).toMatchObject([{ paymentIntentId: intent }]);
  await world.put(saver.key, { thresholdCents: 1000, amountCents: 1000 });
  await world.wake();
  expect(await world.charges(saver)).toEqual([]);
  expect(await world.rule(saver.key)).toMatchObject({ reason: 'payment_disputed' });
});

test('one that is disputed once it is somebody’s is that customer’s loss, and its credit again when it is won', async () => {
  const { intent, charge } = await paidElsewhere(3000);
  const { customer, key } = await world.customer();
  expect((await attribute(intent, customer.id)).status).toBe(201);
  await world.spend(customer, 2000);
  const { id } = await world.press(`charges/${charge}/dispute`);
  await world.settled();
  expect(await world.balance(key)).toMatchObject({ posted: '10', available: '0', owed: '0' });
  await world.press(`disputes/${id}/close`, { outcome: 'lost' });
  await world.settled();
  expect(await world.balance(key)).toMatchObject({ posted: '0', available: '0', owed: '20', frozen: true });
  const { body } = await admin(`/../disputes?customerId=${customer.id}`);
  expect(body.data).toMatchObject([{ id, phase: 'lost', customerId: customer.id, topUpId: null, owed: '20' }]);

  await world.press(`disputes/${id}/reinstate`);
  await world.settled();
  expect(await world.balance(key)).toMatchObject({ available: '10', owed: '0', frozen: false });
  expect(await world.house('suspense')).toBe('0');
});

test('an operator does all of it by command: says whose it is, sees its dispute, and gives up what is owed', async () => {
  const { intent, charge } = await paidElsewhere(2500);
  const { customer, key } = await world.customer();
  const run = (...args: string[]) => runCommand(COMMANDS, ...args);
  const listed = await run('suspense', 'list');
  expect([listed.code, listed.out]).toEqual([0, expect.stringMatching(new RegExp(`REF[^]+${intent} +25 +USD +– +20`))]);
  const because = ['--reason', 'Says so by mail.'];
  const attributed = await run('suspense', 'attribute', intent, '--customer', customer.id, ...because);
  expect(attributed).toEqual({ code: 0, err: '', out: `${intent} is of ${customer.id} now: 25 USD.\n` });
  expect(JSON.parse((await run('suspense', 'list', '--json')).out)).toEqual([]);
  const elsewhere = await run(
    'suspense',
    'attribute',
    intent,
    '--customer',
    (await world.customer()).customer.id,
    ...because,
  );
  expect([elsewhere.code, elsewhere.err]).toEqual([1, expect.stringContaining(`was attributed to ${customer.id}`)]);

  await world.spend(customer, 2500);
  const { id } = await world.press(`charges/${charge}/dispute`);
  await world.press(`disputes/${id}/close`, { outcome: 'lost' });
  await world.settled();
  const disputes = JSON.parse((await run('disputes', 'list', '--customer', customer.id, '--json')).out);
  expect(disputes).toMatchObject([{ id, phase: 'lost', amount: '25', lost: '25', owed: '25', topUpId: null }]);
  const inPart = await run('receivables', 'write-off', customer.id, '--amount', '10', ...because);
  expect([inPart.code, inPart.out]).toEqual([
    0,
    expect.stringMatching(/^10 USD are written off by entry \d+; 15 are still owed\.\n$/),
  ]);
  const rest = JSON.parse((await run('receivables', 'write-off', customer.id, ...because, '--json')).out);
  expect(rest).toMatchObject({ asset: 'USD', writtenOff: '15', owed: '0' });
  expect(await world.balance(key)).toMatchObject({ available: '0', owed: '0', frozen: false });
  const nothing = await run('receivables', 'write-off', customer.id, ...because);
  expect([nothing.code, nothing.err]).toEqual([1, expect.stringContaining('owes')]);
});

test.each([
  [['suspense', 'attribute', 'pi_1', '--reason', 'x'], 'Name whose it is by one of --customer, --wallet.'],
  [['suspense', 'attribute', 'pi_1', '--wallet', '0x1', '--reason', 'x'], '--wallet is an address, 0x…, not "0x1".'],
  [
    ['suspense', 'attribute', 'pi_1', '--wallet', `0x${'1'.repeat(40)}`, '--reason', 'x'],
    'Of a card payment name --customer.',
  ],
  [['suspense', 'attribute', 'pi_1', '--customer', 'cus_1'], '--reason'],
  [['receivables', 'write-off', 'cus_1', '--reason', 'x', '--asset', 'EUR'], '--asset knows USD, USDC'],
  [['disputes', 'list', '--limit', '0'], '--limit'],
])('and is told what was not understood (%#)', async (args, sentence) => {
  expect(await runCommand(COMMANDS, ...args)).toMatchObject({ code: 2, err: expect.stringContaining(sentence) });
});

test('one that is disputed before anybody says whose it is waits in suspense until that is decided', async () => {
  const { intent, charge } = await paidElsewhere(1100);
  const { customer, key } = await world.customer();
  const { id } = await world.press(`charges/${charge}/dispute`);
  await world.settled();
  const going = { status: 409, body: { code: 'payment_not_in_suspense', customerId: null } };
  expect(await attribute(intent, customer.id)).toMatchObject(going);
  await world.press(`disputes/${id}/close`, { outcome: 'won' });
  await world.settled();
  expect(await attribute(intent, customer.id)).toMatchObject({ status: 201, body: { credited: '11' } });
  expect(await world.balance(key)).toMatchObject({ available: '11' });
});

test('a payment that goes back already, one of a top-up and one that is not there are not attributed', async () => {
  const { intent, charge } = await paidElsewhere(900);
  const { customer } = await world.customer();
  await world.press(`charges/${charge}/refund`, { amount: 400 });
  await world.settled();
  const going = { status: 409, body: { code: 'payment_not_in_suspense', customerId: null } };
  expect(await attribute(intent, customer.id)).toMatchObject(going);

  const { topUp } = await world.paid(1000);
  const [paid] = await world.database.query<{ payment_intent_id: string }>(
    'SELECT payment_intent_id FROM topups WHERE id = $1',
    [topUp],
  );
  const missing = { status: 404, body: { code: 'suspended_payment_not_found' } };
  expect(await attribute(String(paid?.payment_intent_id), customer.id)).toMatchObject(missing);
  expect(await attribute('pi_nothing', customer.id)).toMatchObject(missing);
  expect(await attribute(intent, 'cus_nobody')).toMatchObject({ status: 404, body: { code: 'customer_not_found' } });
});
