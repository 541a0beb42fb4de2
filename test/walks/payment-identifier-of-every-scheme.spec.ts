import { randomUUID } from 'node:crypto';
import { x402Client, x402HTTPClient } from '@x402/core/client';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import { newSigningKey } from '../../src/common/signing-key';
import { booksOf } from '../support/calls';
import { chargedToChannels } from '../support/channels';
import { attestationOf, authorize, NETWORK } from '../support/credit-world';
import { payerWith } from '../support/chain';
import { instructionsOf, paidByHand, payingWallet, proofHeader } from '../support/transfers';
import { inHeader, startX402World, walletCredit, type X402World } from '../support/x402-world';
import { chat, customerWith } from '../support/world';

const KEY = 'payment-identifier';
const ORIGIN = 'http://ai.example';

let world: X402World;

beforeAll(async () => {
  const keys = JSON.stringify({ keys: [newSigningKey()] });
  world = await startX402World({ env: { PUBLIC_URL: ORIGIN, CREDIT_AUTHORITY_JWKS: keys } });
});
afterAll(() => world?.stop());

const named = (id: string) => ({ [KEY]: { info: { id } } });

/** The rows of the 402 to a request, by scheme and network. */
async function rowFor(scheme: string, network: string, body: Record<string, unknown> = {}) {
  const header = (await chat(world.url, undefined, body)).headers.get('payment-required') ?? '';
  const required = JSON.parse(Buffer.from(header, 'base64').toString());
  const isRow = (row: { scheme: string; network: string }) => row.scheme === scheme && row.network === network;
  return { ...required, accepts: required.accepts.filter(isRow) };
}

/** How a rail pays under a name, each time anew; `taken` says what it has cost its payer so far. */
interface Rail {
  pay(id: string, body?: Record<string, unknown>): Promise<Response>;
  taken(): Promise<bigint>;
}

async function channel(): Promise<Rail> {
  const payer = await payerWith(world.chain, 5_000_000n);
  const client = new x402HTTPClient(new x402Client().register('eip155:*', new BatchSettlementEvmScheme(payer)));
  return {
    pay: async (id, body = {}) => {
      const required = await rowFor('batch-settlement', 'eip155:84532', body);
      const payment = await client.createPaymentPayload({ ...required, extensions: named(id) });
      const response = await chat(world.url, undefined, body, client.encodePaymentSignatureHeader(payment));
      // The next voucher is over more.
      await client.processPaymentResult(payment, (name) => response.headers.get(name), response.status);
      return response;
    },
    taken: () => chargedToChannels(world),
  };
}

async function binding(): Promise<Rail> {
  const bundle = await customerWith(world, 1_000_000_000n);
  const resource = `${ORIGIN}/v1/chat/completions`;
  return {
    pay: async (id, body = {}) => {
      const { accepts } = await rowFor('batch-settlement', NETWORK, body);
      const attestation = await attestationOf(authorize(world, bundle, { amount: accepts[0].amount, resource }));
      const payload = { type: 'consume', attestation };
      const payment = { x402Version: 2, accepted: accepts[0], payload, extensions: named(id) };
      return chat(world.url, undefined, body, inHeader(payment));
    },
    taken: async () => 1_000_000_000n - (await booksOf(world, bundle.customerId)).posted.atoms,
  };
}

async function proof(): Promise<Rail> {
  const wallet = await payingWallet(world.chain, 5_000_000n);
  return {
    pay: async (id, body = {}) => {
      const unpaid = await chat(world.url, undefined, body, { 'wallet-provider': 'metamask' });
      const shown = await paidByHand(wallet, instructionsOf(await unpaid.json()));
      return chat(world.url, undefined, body, proofHeader({ ...shown, extensions: named(id) } as typeof shown));
    },
    taken: () => walletCredit(world, wallet.account.address),
  };
}

test.each([
  ['a voucher of a channel', channel],
  ['an attestation of prepaid credit', binding],
  ['a proof of payment', proof],
])(
  '%s under a name: made again it gets the first answer, for another request it is a conflict',
  async (_what, open) => {
    const rail = await open();
    const id = randomUUID();
    const first = await rail.pay(id);
    const text = await first.text();
    expect({ status: first.status, text }).toMatchObject({ status: 200 });
    const [taken, calls] = [await rail.taken(), world.upstream.calls().length];

    const again = await rail.pay(id);
    expect({ status: again.status, text: await again.text() }).toEqual({ status: 200, text });
    expect(again.headers.get('x-tollbridge-replayed')).toBe('true');
    expect(again.headers.get('payment-response')).toBe(first.headers.get('payment-response'));
    const other = await rail.pay(id, { n: 2 });
    expect({ status: other.status, ...((await other.json()) as object) }).toMatchObject({
      status: 409,
      code: 'payment_identifier_conflict',
    });

    expect(await rail.taken()).toBe(taken);
    expect(world.upstream.calls()).toHaveLength(calls);
  },
);
