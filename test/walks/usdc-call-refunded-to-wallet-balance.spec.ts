import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { customerCredits, customerReceivable } from '../../src/ledger/ledger-account';
import { payerWith, usdcBalance } from '../support/chain';
import { brokenGrants } from '../support/grants-world';
import {
  expectBooksAreEven,
  FLAT,
  FLAT_ATOMS,
  paidCall,
  paidOut,
  PAYS_OUT,
  refundUsdc,
  topUpInUsdc,
} from '../support/usdc-refunds';
import { challengeOf, signChallenge } from '../support/sign-in';
import { chat, customerWith } from '../support/world';
import { sql, startX402World, walletCredit, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { ...PAYS_OUT, X402_EXTENSIONS: 'sign-in-with-x' } });
});
afterEach(async () => {
  await expectBooksAreEven(world);
  expect(await brokenGrants(world)).toEqual([]);
});
afterAll(() => world?.stop());

test('a call is refunded to the balance of its wallet, which pays the next call with it', async () => {
  const { payer, callId } = await paidCall(world);
  const { body } = await refundUsdc(world, { callId, to: 'balance' });
  expect(body).toMatchObject({ state: 'credited', to: 'balance', amount: '0.1', transaction: null });
  expect(body.finishedAt).not.toBeNull();
  expect(await walletCredit(world, payer.address)).toBe(FLAT_ATOMS);

  const unpaid = await chat(world.url, undefined, FLAT);
  const paid = await chat(world.url, undefined, FLAT, await signChallenge(payer, challengeOf(unpaid)));
  expect(paid.status).toBe(200);
  expect(await walletCredit(world, payer.address)).toBe(0n);
  // What the balance paid goes back to the chain, too: on the network that is named.
  const again = { callId: paid.headers.get('x-request-id'), to: 'payer' };
  const network = `eip155:${world.chain.chainId}`;
  expect((await refundUsdc(world, { ...again, network: 'eip155:1' })).body.code).toBe('network_not_offered');
  expect((await refundUsdc(world, { ...again, network })).body).toMatchObject({ state: 'sent', paymentId: null });
  expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n);
});

test('a top-up of a USD balance goes back as far as it is unused, and what is forced beyond that is owed', async () => {
  const { customerId, key } = await customerWith(world, 0n);
  const wallet = await payerWith(world.chain, 5_000_000n);
  const { id: topUpId } = await topUpInUsdc(world, wallet, '5', key);
  for (let call = 0; call < 3; call++) expect((await chat(world.url, key, FLAT)).status).toBe(200);

  expect((await refundUsdc(world, { topUpId, to: 'payer', amount: '4.8' })).body).toMatchObject({
    code: 'refund_exceeds_unused',
    refundable: '4.7',
  });
  const first = await refundUsdc(world, { topUpId, to: 'payer', amount: '1' });
  expect(first.body).toMatchObject({ source: 'top_up', state: 'sent', toppedUp: customerId, owed: '0' });
  const rest = await refundUsdc(world, { topUpId, to: 'payer', force: true });
  expect(rest.body).toMatchObject({ state: 'sent', amount: '4', owed: '0.3' });
  expect(await usdcBalance(world.chain, wallet.address)).toBe(5_000_000n);
  expect((await refundUsdc(world, { topUpId, to: 'payer', force: true })).body.code).toBe('nothing_to_refund');

  const accounts = world.app.get(LedgerAccountsService);
  expect((await accounts.balance(customerCredits(customerId, 'USD'))).posted.atoms).toBe(0n);
  expect((await accounts.balance(customerReceivable(customerId, 'USD'))).posted.atoms).toBe(-300_000_000n);
});

test('what a payment left on the balance goes back whole, and with its call never more than it brought', async () => {
  const wallet = await payerWith(world.chain, 1_000_000n);
  const { id: topUpId } = await topUpInUsdc(world, wallet, '1');
  expect((await refundUsdc(world, { topUpId, to: 'balance' })).body.code).toBe('already_on_balance');
  const headers = await signChallenge(wallet, challengeOf(await chat(world.url, undefined, FLAT)));
  expect((await chat(world.url, undefined, FLAT, headers)).status).toBe(200);
  expect((await refundUsdc(world, { topUpId, to: 'payer', amount: '0.95' })).body).toMatchObject({
    code: 'refund_exceeds_unused',
    refundable: '0.9',
  });
  expect((await refundUsdc(world, { topUpId, to: 'payer' })).body).toMatchObject({ state: 'sent', amount: '0.9' });
  expect(await paidOut(world, wallet.address)).toBe(900_000n);
});

test('what cannot go back is refused, and nothing moves', async () => {
  const { key } = await customerWith(world, 10n ** 9n);
  const byKey = (await chat(world.url, key, FLAT)).headers.get('x-request-id');
  const { callId } = await paidCall(world);
  const nobody = '019a8b2c-3d4e-7f60-a1b2-c3d4e5f60718';
  const refusals: [Record<string, unknown>, number, string][] = [
    [{ callId: byKey, to: 'balance' }, 409, 'not_paid_in_usdc'],
    [{ callId: nobody, to: 'balance' }, 404, 'call_not_found'],
    [{ topUpId: nobody, to: 'payer' }, 404, 'top_up_not_found'],
    [{ paymentId: 'exact:none', to: 'payer' }, 404, 'payment_not_found'],
    [{ to: 'payer' }, 400, 'one_payment_needed'],
    [{ callId, topUpId: nobody, to: 'payer' }, 400, 'one_payment_needed'],
    [{ callId, to: 'payer', amount: '0' }, 409, 'nothing_to_refund'],
    [{ callId, to: 'payer', network: 'eip155:1' }, 409, 'other_network'],
    [{ callId, to: 'somebody' }, 400, 'invalid_request'],
  ];
  for (const [body, status, code] of refusals) {
    expect([body, await refundUsdc(world, body)]).toEqual([body, { status, body: expect.objectContaining({ code }) }]);
  }
  // The payment of this one is on the chain no more.
  const [{ payment_id: paymentId }] = await sql(world, 'SELECT payment_id FROM usage_records WHERE id = $1', [callId]);
  await sql(world, `UPDATE claims SET state = 'failed' WHERE key = $1`, [paymentId]);
  expect((await refundUsdc(world, { callId, to: 'payer' })).body.code).toBe('payment_not_settled');
  await sql(world, `UPDATE claims SET state = 'settled' WHERE key = $1`, [paymentId]);
  expect((await refundUsdc(world, { callId, to: 'payer' })).body.state).toBe('sent');
});
