import { ExactEvmScheme } from '@x402/evm/exact/client';
import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { customerCredits } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import type { LocalChain } from '../../src/local/chain';
import { query } from '../support/calls';
import { payerWith, receivedOnChain, startTestChain } from '../support/chain';
import { chat, customerWith, startWorld, type World } from '../support/world';

let world: World;
let chain: LocalChain;

beforeAll(async () => {
  const started = await startTestChain();
  chain = started.chain;
  world = await startWorld(started.env);
});
afterAll(async () => {
  await world?.stop();
  await chain?.stop();
});

const payingFetch = async (usdc: bigint) => {
  const account = await payerWith(chain, usdc);
  return wrapFetchWithPayment(fetch, new x402Client().register('eip155:*', new ExactEvmScheme(account)));
};

const topUp = (paying: typeof fetch, amount: string, key?: string) =>
  paying(`${world.url}/v1/topups/usdc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ amount }),
  });

const credits = async (customerId: string, asset: 'USD' | 'USDC') =>
  (await world.app.get(LedgerAccountsService).balance(customerCredits(customerId, asset))).available.atoms;

test('a key holder tops up the USD balance with one x402 payment, and spends it', async () => {
  const { customerId, key } = await customerWith(world, 0n);
  const paying = await payingFetch(1_000_000n);
  const before = await receivedOnChain(chain);

  const response = await topUp(paying, '0.75', key);

  expect(response.status).toBe(201);
  const receipt = (await response.json()) as { credited: string; asset: string; transaction: string };
  expect(receipt).toMatchObject({
    credited: '0.75',
    asset: 'USD',
    customerId,
    transaction: expect.stringMatching(/^0x/),
  });
  expect(response.headers.get('payment-response')).toBeTruthy();
  expect(await credits(customerId, 'USD')).toBe(750_000_000n);
  expect((await receivedOnChain(chain)) - before).toBe(750_000n);
  expect((await chat(world.url, key)).status).toBe(200);
});

test('a wallet without a key tops up its own USDC credit', async () => {
  const response = await topUp(await payingFetch(1_000_000n), '0.5');

  expect(response.status).toBe(201);
  const receipt = (await response.json()) as { customerId: string; credited: string; asset: string };
  expect(receipt).toMatchObject({ credited: '0.5', asset: 'USDC' });
  expect(await credits(receipt.customerId, 'USDC')).toBe(500_000n);
});

test('without a payment the 402 names the amount; a wrong key and a wrong amount are refused before anybody pays', async () => {
  const { key } = await customerWith(world, 0n);

  const unpaid = await topUp(fetch, '0.25', key);
  expect(unpaid.status).toBe(402);
  expect(await unpaid.json()).toMatchObject({ code: 'payment_required', accepts: [{ maxAmountRequired: '250000' }] });

  expect((await topUp(fetch, '0.25', `${key.slice(0, -1)}!`)).status).toBe(401);
  expect(await (await topUp(fetch, '0.001', key)).json()).toMatchObject({ status: 400, code: 'amount_out_of_range' });
  expect((await topUp(fetch, '1e3', key)).status).toBe(400);
});

test('the same payment sent again gets the same receipt and is credited once, also after a crash behind the booking', async () => {
  const { customerId, key } = await customerWith(world, 0n);
  let signed: string | undefined;
  const account = await payerWith(chain, 1_000_000n);
  const recording: typeof fetch = (input, init) => {
    const header = (input as Request).headers.get('payment-signature');
    if (header) signed = header;
    return fetch(input, init);
  };
  const paying = wrapFetchWithPayment(recording, new x402Client().register('eip155:*', new ExactEvmScheme(account)));
  const first = (await (await topUp(paying, '0.1', key)).json()) as { id: string };

  const again = () =>
    fetch(`${world.url}/v1/topups/usdc`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${key}`,
        'payment-signature': signed as string,
      },
      body: JSON.stringify({ amount: '0.1' }),
    });

  expect(await (await again()).json()).toMatchObject({ id: first.id });
  // As it is when the process dies before it has kept its answer, and the reconciler has freed the claim.
  await query(world, `UPDATE claims SET state = 'paid', answer_status = NULL, answer_body = NULL WHERE call_id = $1`, [
    first.id,
  ]);
  const after = await again();
  expect({ status: after.status, body: await after.json() }).toMatchObject({ status: 201, body: { credited: '0.1' } });
  expect(await credits(customerId, 'USD')).toBe(100_000_000n);
});
