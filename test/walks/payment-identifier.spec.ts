import { randomUUID } from 'node:crypto';
import { x402Client, x402HTTPClient } from '@x402/core/client';
import { ExactEvmScheme } from '@x402/evm';
import { appendPaymentIdentifierToExtensions } from '@x402/extensions/payment-identifier';
import type { PrivateKeyAccount } from 'viem';
import { ClaimLeases } from '../../src/payments/claim-leases.service';
import { asOwner } from '../support/owner';
import { payerWith, usdcBalance } from '../support/chain';
import { signUpto, uptoPayerWith } from '../support/upto';
import {
  countOfBooks,
  expectBooksAsOnChain,
  inHeader,
  signPayment,
  sql,
  startX402World,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const ONE_USDC = 1_000_000n;
const KEY = 'payment-identifier';

let world: X402World;
let payer: PrivateKeyAccount;

beforeAll(async () => {
  world = await startX402World({ replicas: 2, env: { PUBLIC_URL: 'http://ai.example' } });
});
beforeEach(async () => {
  payer = await payerWith(world.chain, ONE_USDC);
});
afterEach(() => expectBooksAsOnChain(world));
afterAll(() => world?.stop());

/** What a 402 asks for, and what it declares. */
async function askedFor(body: Record<string, unknown> = {}) {
  const unpaid = await chat(world.url, undefined, body);
  return JSON.parse(Buffer.from(unpaid.headers.get('payment-required') ?? '', 'base64').toString());
}

/** A payment under a name, signed anew at every call. */
async function named(id: unknown, body: Record<string, unknown> = {}, by = payer): Promise<Record<string, string>> {
  const { accepts } = await askedFor(body);
  return inHeader({ ...(await signPayment(by, accepts[0])), extensions: { [KEY]: { info: { required: false, id } } } });
}

const left = () => usdcBalance(world.chain, payer.address);
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

test('a call that fails behind its claim leaves it: nobody keeps its lease, and the payment may try again', async () => {
  await asOwner(
    world,
    `CREATE FUNCTION no_names() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
     CREATE TRIGGER no_names BEFORE UPDATE ON payment_identifiers FOR EACH ROW EXECUTE FUNCTION no_names()`,
  );
  const headers = await named(`pay_${randomUUID()}`);
  expect((await chat(world.url, undefined, {}, headers)).status).toBe(500);
  await asOwner(world, 'DROP TRIGGER no_names ON payment_identifiers; DROP FUNCTION no_names');
  const key = `%${payer.address.toLowerCase()}%`;
  const claim = async () => (await sql(world, 'SELECT state, lease_until FROM claims WHERE key LIKE $1', [key]))[0];
  const abandoned = await claim();
  expect(abandoned.state).toBe('working');
  await world.app.get(ClaimLeases).renew();
  expect(await claim()).toEqual(abandoned);
});

test('the published client finds it declared, and names its payment', async () => {
  const required = await askedFor();
  expect(required.extensions[KEY]).toEqual({ info: { required: false } });

  const client = new x402HTTPClient(new x402Client().register('eip155:*', new ExactEvmScheme(payer)));
  const extensions = appendPaymentIdentifierToExtensions({ ...required.extensions }, `pay_${randomUUID()}`);
  const pay = async () => {
    const payment = await client.createPaymentPayload({ ...required, extensions });
    return chat(world.url, undefined, {}, client.encodePaymentSignatureHeader(payment));
  };
  const first = await pay();
  const balance = await left();
  const again = await pay();

  expect([first.status, again.status]).toEqual([200, 200]);
  expect(await again.text()).toBe(await first.text());
  expect(again.headers.get('payment-response')).toBe(first.headers.get('payment-response'));
  expect(again.headers.get('x-tollbridge-replayed')).toBe('true');
  expect(await left()).toBe(balance);
});

test('twenty payments under one name, each signed anew, at two replicas at once: one is taken', async () => {
  const id = randomUUID();
  const before = world.upstream.calls().length;
  const payments = await Promise.all(Array.from({ length: 20 }, () => named(id)));
  const answers = await Promise.all(
    payments.map((headers, index) => chat(world.replicas[index % 2]!.url, undefined, {}, headers)),
  );

  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
  const bodies = await Promise.all(answers.map((answer) => answer.text()));
  expect(new Set(bodies).size).toBe(1);
  expect(world.upstream.calls()).toHaveLength(before + 1);
  const { accepts } = await askedFor();
  expect(await left()).toBe(ONE_USDC - BigInt(accepts[0].amount));
});

test('another request under the same name is a conflict, and takes nothing', async () => {
  const id = randomUUID();
  expect((await chat(world.url, undefined, {}, await named(id))).status).toBe(200);
  const [balance, books] = [await left(), await countOfBooks(world)];
  const other = await chat(world.url, undefined, { n: 1 }, await named(id, { n: 1 }));

  expect(other.status).toBe(409);
  expect(await codeOf(other)).toBe('payment_identifier_conflict');
  expect(await left()).toBe(balance);
  expect(await countOfBooks(world)).toEqual(books);
});

test('a name belongs to its payer: somebody else pays for itself', async () => {
  const id = randomUUID();
  const stranger = await payerWith(world.chain, ONE_USDC);
  const first = await chat(world.url, undefined, {}, await named(id));
  const second = await chat(world.url, undefined, {}, await named(id, {}, stranger));

  expect([first.status, second.status]).toEqual([200, 200]);
  expect(second.headers.has('x-tollbridge-replayed')).toBe(false);
  expect(await usdcBalance(world.chain, stranger.address)).toBeLessThan(ONE_USDC);
});

test('a forged payment under a name of somebody else reads nothing', async () => {
  const id = randomUUID();
  expect((await chat(world.url, undefined, {}, await named(id))).status).toBe(200);
  const { accepts } = await askedFor();
  const stranger = await payerWith(world.chain, ONE_USDC);
  const forged = await signPayment(payer, accepts[0], {}, stranger);
  const response = await chat(
    world.url,
    undefined,
    {},
    inHeader({ ...forged, extensions: { [KEY]: { info: { id } } } }),
  );

  expect(response.status).toBe(402);
  expect(await codeOf(response)).toBe('invalid_exact_evm_signature');
});

test('a payment that was refused leaves its name free', async () => {
  const id = randomUUID();
  const poor = await payerWith(world.chain, 1n);
  expect((await chat(world.url, undefined, {}, await named(id, {}, poor))).status).toBe(402);
  expect((await chat(world.url, undefined, { n: 1 }, await named(id, { n: 1 }, poor))).status).toBe(402);
});

test('upto takes part: the name stands for one payment, of whichever scheme', async () => {
  const rich = await uptoPayerWith(world.chain, ONE_USDC);
  const id = randomUUID();
  const extensions = { [KEY]: { info: { id } } };
  const { accepts } = await askedFor();
  const required = accepts.find(({ scheme }: { scheme: string }) => scheme === 'upto');
  const first = await chat(world.url, undefined, {}, inHeader({ ...(await signUpto(rich, required)), extensions }));
  const balance = await usdcBalance(world.chain, rich.address);
  const again = await chat(
    world.url,
    undefined,
    {},
    inHeader({ ...(await signPayment(rich, accepts[0])), extensions }),
  );

  expect([first.status, again.status]).toEqual([200, 200]);
  expect(again.headers.get('payment-response')).toBe(first.headers.get('payment-response'));
  expect(await usdcBalance(world.chain, rich.address)).toBe(balance);
});

test.each([['short'], ['x'.repeat(129)], ['with spaces in its middle'], [17], [null]])(
  '%p is no identifier: 400',
  async (id) => {
    const response = await chat(world.url, undefined, {}, await named(id));
    expect(response.status).toBe(400);
    expect(await codeOf(response)).toBe('payment_identifier_invalid');
  },
);
