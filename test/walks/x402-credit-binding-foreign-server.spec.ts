import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server';
import type { PaymentPayload, Price, SchemeNetworkServer, SupportedKind } from '@x402/core/types';
import { paymentMiddleware, setSettlementOverrides } from '@x402/express';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import express from 'express';
import { merchantPayable } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { CreditBundleScheme } from '../../src/payments-client/credit-bundle';
import { booksOf, query } from '../support/calls';
import {
  type CreditWorld,
  expectCreditBooks,
  NETWORK,
  receiptOf,
  registerServer,
  startCreditWorld,
} from '../support/credit-world';
import { customerWith } from '../support/world';

/** All that a stock x402 server must be told of the binding. */
class CreditServerScheme implements SchemeNetworkServer {
  readonly scheme = 'batch-settlement';
  readonly defaultAssetTransferMethod = 'default';
  readonly paymentFlows = { default: { supported: ['authorization'], default: 'authorization' } } as const;

  async parsePrice(price: Price) {
    if (typeof price !== 'string') throw new TypeError('A price is written as "$0.10".');
    return { amount: String(Math.round(Number(price.replace('$', '')) * 100)), asset: 'USD' };
  }

  async enhancePaymentRequirements<Requirements extends { extra: object }>(row: Requirements, kind: SupportedKind) {
    return { ...row, extra: { ...row.extra, ...kind.extra } };
  }
}

const DOLLAR = 1_000_000_000n;
const CENT = 10_000_000n;

let world: CreditWorld;
let shop: Server;
let url: string;
let serverId: string;
let served = 0;

beforeAll(async () => {
  world = await startCreditWorld();
  const app = express();
  shop = createServer(app).listen(0, '127.0.0.1');
  await once(shop, 'listening');
  url = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
  const { id, key } = await registerServer(world, url);
  serverId = id;
  const headers = { Authorization: `Bearer ${key}` };
  const facilitator = new HTTPFacilitatorClient({
    url: world.url,
    createAuthHeaders: async () => ({ verify: headers, settle: headers, supported: {} }),
  });
  const server = new x402ResourceServer(facilitator)
    .register(NETWORK, new CreditServerScheme())
    .onVerifiedPaymentCanceled(async ({ paymentPayload, requirements }) => {
      await facilitator.settle(structuredClone(paymentPayload) as PaymentPayload, { ...requirements, amount: '0' });
    });
  const accepts = { scheme: 'batch-settlement', network: NETWORK, payTo: 'merchant', price: '$0.10' } as const;
  app.use(paymentMiddleware({ 'GET /:what': { accepts } }, server));
  app.get('/:what', (request, response) => {
    served++;
    if (request.params.what === 'cheap') setSettlementOverrides(response, { amount: '3' });
    if (request.params.what === 'free') setSettlementOverrides(response, { amount: '0' });
    if (request.params.what === 'broken') response.status(500);
    response.json({ what: request.params.what });
  });
});
afterEach(() => expectCreditBooks(world));
afterAll(async () => {
  shop?.close();
  shop?.closeAllConnections();
  await world?.stop();
});

async function buy(what: string) {
  const { customerId, key } = await customerWith(world, DOLLAR);
  const client = new CreditBundleScheme({ bundleId: customerId, apiKey: key, authorities: [world.url] });
  const pay = wrapFetchWithPaymentFromConfig(fetch, { schemes: [{ network: NETWORK, client }] });
  const before = await payable();
  const response = await pay(`${url}/${what}`);
  const { available, held } = await booksOf(world, customerId);
  const [commitment] = await query(world, 'SELECT * FROM commitments WHERE bundle_id = $1', [customerId]);
  return {
    response,
    commitment,
    spent: DOLLAR - available.atoms - held.atoms,
    held: held.atoms,
    earned: (await payable()) - before,
  };
}

const payable = async () =>
  (await world.app.get(LedgerAccountsService).balance(merchantPayable(serverId))).posted.atoms;

test.each([
  ['dear', 10n, 'settled'],
  ['cheap', 3n, 'settled'],
  ['free', 0n, 'released'],
] as const)('a stock x402 server sells what is %s for the credit of our customers', async (what, cents, state) => {
  const { response, commitment, spent, held, earned } = await buy(what);

  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ what });
  expect({ spent, held, earned }).toEqual({ spent: cents * CENT, held: 0n, earned: cents * CENT });
  expect(commitment).toMatchObject({ state, audience: url, cents: 10n });
  expect(receiptOf(response)).toMatchObject({
    success: true,
    network: NETWORK,
    extra: { commitmentId: commitment.jti, chargedAmount: cents.toString() },
  });
});

test('what it could not deliver is settled at zero, and free at once', async () => {
  const { response, commitment, spent, earned, held } = await buy('broken');

  expect(response.status).toBe(500);
  expect({ spent, earned, held }).toEqual({ spent: 0n, earned: 0n, held: 0n });
  expect(commitment).toMatchObject({ state: 'released' });
});

test('a server that is no longer registered sells nothing', async () => {
  const revoked = await fetch(`${world.url}/admin/resource-servers/${serverId}/revoke`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.adminToken}` },
  });
  expect(revoked.status).toBe(200);
  const before = served;

  await expect(buy('dear')).rejects.toThrow('No resource server of this origin');
  expect(served).toBe(before);
});
