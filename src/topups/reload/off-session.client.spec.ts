import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../../config/config';
import { StripeConnection } from '../stripe-connection.client';
import { OffSessionClient } from './off-session.client';

const CHARGE = {
  attemptId: 'arl_1',
  topUpId: 'top_1',
  customerId: 'cus_1',
  stripeCustomerId: 'cus_theirs',
  paymentMethodId: 'pm_1',
  cents: 1000,
};

describe('a charge that Stripe answers with an error', () => {
  let server: Server;
  let client: OffSessionClient;
  let answer: { status: number; error: object };

  beforeAll(async () => {
    server = createServer((_, response) => {
      response.writeHead(answer.status, { 'content-type': 'application/json', 'stripe-should-retry': 'false' });
      response.end(JSON.stringify({ error: answer.error }));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const stripe = { secretKey: 'sk_test_private', webhookSecret: 'whsec_test', apiUrl };
    client = new OffSessionClient(new StripeConnection({ stripe } as Config));
  });
  afterAll(() => new Promise((resolve) => void server.close(resolve)));

  it.each([
    ['our key is not taken', 401, { type: 'invalid_request_error' }, 502],
    ['our key may not do that', 403, { type: 'invalid_request_error' }, 502],
    ['the key belongs to another request', 400, { type: 'idempotency_error' }, 502],
    ['there is too much of us', 400, { type: 'invalid_request_error', code: 'rate_limit' }, 503],
    ['there is too much of us', 429, { type: 'invalid_request_error', code: 'rate_limit' }, 503],
    ['its twin is under way', 409, { type: 'idempotency_error', code: 'idempotency_key_in_use' }, 503],
    ['something broke', 500, { type: 'api_error' }, 503],
  ])('is not declined when %s (%i)', async (_, status, error, ours) => {
    answer = { status, error };
    await expect(client.charge(CHARGE)).rejects.toMatchObject({ status: ours });
  });

  it.each([
    ['the card is gone', 400, { type: 'invalid_request_error', code: 'resource_missing' }, 'resource_missing'],
    ['the bank refuses', 402, { type: 'card_error', code: 'card_declined' }, 'card_declined'],
  ])('is declined when %s', async (_, status, error, declineCode) => {
    answer = { status, error };
    expect(await client.charge(CHARGE)).toMatchObject({ kind: 'declined', declineCode });
  });
});
