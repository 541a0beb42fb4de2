import { createTestClient, http } from 'viem';
import { WithdrawalSettlement } from '../../src/payments/wallet/withdrawal-settlement.service';
import { usdcBalance } from '../support/chain';
import { allPass } from '../support/rpc-proxy';
import {
  expectBooksAreEven,
  FLAT_ATOMS,
  paidCall,
  paidOut,
  PAYS_OUT,
  refundsOnTheBooks,
  refundUsdc,
} from '../support/usdc-refunds';
import { sql, startX402World, walletCredit, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: PAYS_OUT });
});
afterEach(() => expectBooksAreEven(world));
afterAll(() => world?.stop());

// oxlint-disable-next-line typescript/no-explicit-any -- answers of many shapes, looked into by tests
const get = async (path: string): Promise<any> =>
  (await fetch(`${world.url}${path}`, { headers: { authorization: `Bearer ${world.adminToken}` } })).json();

test('a call is refunded to its payer on the chain, in parts, never more than it cost, at our gas', async () => {
  const { payer, callId, invoice } = await paidCall(world);
  const paid = await usdcBalance(world.chain, payer.address);
  expect(paid).toBe(1_000_000n - FLAT_ATOMS);

  const first = await refundUsdc(world, { callId, to: 'payer', amount: '0.04', reason: 'Cut off' });
  expect(first).toMatchObject({ status: 201, body: { state: 'sent', source: 'call', amount: '0.04', owed: '0' } });
  expect(await usdcBalance(world.chain, payer.address)).toBe(paid + 40_000n);
  expect(await refundUsdc(world, { callId, to: 'payer', amount: '0.07' })).toMatchObject({
    status: 409,
    body: { code: 'refund_exceeds_payment', refundable: '0.06' },
  });
  const rest = await refundUsdc(world, { callId, to: 'payer' });
  expect(rest.body).toMatchObject({ state: 'sent', amount: '0.06', transaction: expect.stringMatching(/^0x/) });
  expect((await refundUsdc(world, { callId, to: 'balance' })).body.code).toBe('nothing_to_refund');

  expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n);
  expect([await walletCredit(world, payer.address), await refundsOnTheBooks(world)]).toEqual([0n, FLAT_ATOMS]);
  expect(await get(`/v1/invoices/${invoice}`)).toMatchObject({ amount: '0.1', refunded: '0.1' });
  expect((await get(`/admin/usdc-refunds?callId=${callId}`)).data).toEqual([
    rest.body,
    expect.objectContaining({ id: first.body.id, reason: 'Cut off' }),
  ]);
  expect(await get(`/admin/usdc-refunds/${rest.body.id}`)).toEqual(rest.body);
});

test('an address that the token has blocked: what cannot be delivered stays on the balance, and somebody is told', async () => {
  const { payer, callId } = await paidCall(world);
  const before = await refundsOnTheBooks(world);
  // As USDC answers whatever would reach a blocked address.
  world.node.rule = (call) =>
    call.method === 'eth_estimateGas'
      ? { error: { code: 3, message: 'execution reverted: Blacklistable: account is blacklisted', data: '0x' } }
      : 'pass';
  const { body } = await refundUsdc(world, { callId, to: 'payer' });
  expect(body).toMatchObject({ state: 'sending', transaction: null });
  expect(await walletCredit(world, payer.address)).toBe(0n);

  const chain = createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) });
  await chain.increaseTime({ seconds: 4_000 });
  await chain.mine({ blocks: 1 });
  await sql(world, `UPDATE withdrawals SET lease_until = now()`);
  await world.app.get(WithdrawalSettlement).recover();
  world.node.rule = allPass;
  expect(await get(`/admin/usdc-refunds/${body.id}`)).toMatchObject({ state: 'returned', transaction: null });
  expect(await paidOut(world, payer.address)).toBe(0n);
  expect(await walletCredit(world, payer.address)).toBe(FLAT_ATOMS);
  const told = (await get('/v1/notifications')).data.filter(({ kind }: { kind: string }) => kind.startsWith('usdc_'));
  expect(told).toMatchObject([
    { kind: 'usdc_refund_returned', data: { refund: body.id, call: callId, amount: '0.1' } },
  ]);
  // It was given back: to the balance. Not once more.
  expect((await refundUsdc(world, { callId, to: 'payer' })).body.code).toBe('nothing_to_refund');
  expect((await refundsOnTheBooks(world)) - before).toBe(FLAT_ATOMS);
});
