import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHmac } from 'node:crypto';
import type { Config } from '../config/config';
import type { Customer } from '../customers/customer';
import { StripeConnection } from './stripe-connection.client';
import { feeInUsd } from './stripe-transaction';
import { StripeClient } from './stripe.client';

const SECRET = 'whsec_test';
const CUSTOMER: Customer = {
  id: 'cus_ours',
  kind: 'organisation',
  name: 'Acme',
  email: null,
  walletAddress: null,
  stripeCustomerId: null,
  createdAt: new Date(0),
};

const connectionTo = (apiUrl?: string) =>
  new StripeConnection({ stripe: { secretKey: 'sk_test_private', webhookSecret: SECRET, apiUrl } } as Config);
const clientOf = (apiUrl: string) => new StripeClient(connectionTo(apiUrl), { http: {} } as Config);

describe('the client of Stripe', () => {
  let server: Server;
  let url: string;
  let answers: { status: number; body: object }[];
  let seen: { key: unknown; body: string; version: unknown }[];

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        seen.push({ key: request.headers['idempotency-key'], body, version: request.headers['stripe-version'] });
        const answer = answers.shift() ?? { status: 500, body: {} };
        response.writeHead(answer.status, { 'content-type': 'application/json', 'stripe-should-retry': 'false' });
        response.end(JSON.stringify(answer.body));
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    answers = [];
    seen = [];
  });
  afterAll(() => new Promise((resolve) => void server.close(resolve)));

  it('sends our own idempotency key and the pinned version', async () => {
    answers = [{ status: 200, body: { id: 'cus_theirs' } }];
    expect(await clientOf(url).createCustomer(CUSTOMER)).toBe('cus_theirs');
    expect(seen).toEqual([
      { key: 'customer:cus_ours', body: 'name=Acme&metadata[customer_id]=cus_ours', version: '2026-10-28.endive' },
    ]);
  });

  it.each([
    [400, 502],
    [401, 502],
    [403, 502],
    [404, 502],
    [409, 503],
    [429, 503],
    [500, 503],
  ])('turns %i into %i and keeps to itself what Stripe said', async (theirs, ours) => {
    answers = [{ status: theirs, body: { error: { type: 'api_error', message: 'sk_test_private is odd' } } }];
    const error = await clientOf(url)
      .createCustomer(CUSTOMER)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: ours, code: 'card_processor_unavailable', hint: expect.any(String) });
    expect(JSON.stringify((error as { toProblem(): object }).toProblem())).not.toContain('odd');
  });

  it('does not know a fee that is not booked, is not in USD, or cannot be asked for', async () => {
    const intent = (charge: unknown) => ({ status: 200, body: { id: 'pi_1', latest_charge: charge } });
    answers = [
      intent({ balance_transaction: { currency: 'usd', fee: 59 } }),
      intent({ balance_transaction: { currency: 'eur', fee: 59 } }),
      intent({ balance_transaction: null }),
      intent(null),
      { status: 500, body: {} },
      { status: 404, body: { error: { type: 'invalid_request_error' } } },
    ];
    const client = clientOf(url);
    const fees = [];
    for (let n = 0; n < 6; n++) {
      const movement = await client.movementOf('pi_1');
      fees.push(movement && feeInUsd(movement));
    }
    expect(fees).toEqual([{ asset: 'USD', atoms: 590_000_000n }, ...Array(5).fill(undefined)]);
    expect(await client.movementOf('cs_no_intent')).toBeUndefined();
    expect(seen).toHaveLength(6);
    // Whoever has to know is told in our words.
    answers = [{ status: 404, body: { error: { type: 'invalid_request_error' } } }];
    await expect(client.askMovement('pi_1')).rejects.toMatchObject({ status: 502, code: 'card_processor_unavailable' });
  });

  it('refuses everything when Stripe is not connected', async () => {
    const connection = new StripeConnection({} as Config);
    const client = new StripeClient(connection, {} as Config);
    const unavailable = { status: 501, code: 'card_top_ups_unavailable', hint: expect.any(String) };
    await expect(client.createCustomer(CUSTOMER)).rejects.toMatchObject(unavailable);
    expect(() => connection.verifiedBody(Buffer.from('{}'), 't=1,v1=0')).toThrow(expect.objectContaining(unavailable));
  });

  it('believes only bytes that Stripe signed within five minutes of now', () => {
    const connection = connectionTo();
    const now = new Date(1_790_000_000_000);
    const at = (t: string, body = '{}') =>
      `t=${t},v1=${createHmac('sha256', SECRET)
        .update(`${Number.parseInt(t, 10)}.${body}`)
        .digest('hex')}`;
    const codeOf = (header: unknown, body: Buffer | undefined = Buffer.from('{}')) => {
      try {
        return connection.verifiedBody(body, header, now);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(codeOf(at('1790000000'))).toBe('{}');
    expect(codeOf(at('1789999700'))).toBe('{}');
    expect(codeOf(at('1790000300'))).toBe('{}');
    expect(codeOf(at('1789999000'))).toBe('webhook_timestamp_out_of_range');
    expect(codeOf(at('1790001000'))).toBe('webhook_timestamp_out_of_range');
    // The package reads the leading digits, we want nothing but digits; of several timestamps the last one is signed.
    expect(codeOf(at('1790000000x'))).toBe('webhook_timestamp_out_of_range');
    expect(codeOf(at('x'))).toBe('webhook_timestamp_out_of_range');
    expect(codeOf(`t=1790000000,${at('1700000000')}`)).toBe('webhook_timestamp_out_of_range');
    expect(codeOf(`t=1700000000,${at('1790000000')}`)).toBe('{}');
    expect(codeOf(at('1790000000'), Buffer.from('{ }'))).toBe('webhook_signature_invalid');
    for (const header of [undefined, '', ['t=1', 'v1=2'], 't=1790000000', 'v1=00']) {
      expect(codeOf(header)).toBe('webhook_signature_invalid');
    }
    expect(codeOf(at('1790000000'), Buffer.alloc(0))).toBe('webhook_signature_invalid');
  });
});
