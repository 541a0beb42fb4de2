import { newId } from '../../src/common/id';
import { usdc } from '../../src/common/money';
import { CustomersService } from '../../src/customers/customers.service';
import { DatabaseService } from '../../src/database/database.service';
import { transferSettled } from '../../src/ledger/chain-entries';
import { callCaptured } from '../../src/ledger/entries';
import { customerCredits } from '../../src/ledger/ledger-account';
import { LedgerService } from '../../src/ledger/ledger.service';
import { ReceivablesService } from '../../src/ledger/receivables.service';
import type { NewClaim } from '../../src/payments/claim';
import { ClaimsService } from '../../src/payments/claims.service';
import { type TestApp } from '../support/app';
import { sql } from '../support/x402-world';
import { startWorld, type World } from '../support/world';

const NETWORK = 'eip155:84532';
const WALLET = '0x00000000000000000000000000000000000000e1';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

const claims = ({ app }: Pick<TestApp, 'app'> = world) => app.get(ClaimsService);
const newClaim = (customerId: string): NewClaim => {
  const callId = newId();
  const key = `test:${callId}`;
  return { key, scheme: 'test', fingerprint: 'f', callId, customerId, payment: {}, validBefore: null };
};
const customer = async (wallet: string) =>
  (await world.app.get(CustomersService).forWallet(world.app.get(DatabaseService), wallet)).id;

test('what a payer has unsettled never exceeds its limit, however much comes at once; what is finished is free again', async () => {
  const customerId = await customer(WALLET);
  const limit = { payer: WALLET, network: NETWORK, exposure: 300n, most: 1_000n };
  const attempts = Array.from({ length: 20 }, () => newClaim(customerId));

  const outcomes = await Promise.all(attempts.map((claim) => claims().take(claim, limit)));
  const taken = attempts.filter((_, index) => typeof outcomes[index] === 'object');
  expect(taken).toHaveLength(3);
  expect(outcomes.filter((outcome) => outcome === 'over_exposed')).toHaveLength(17);
  expect(await claims().take(newClaim(customerId), { ...limit, network: 'eip155:1' })).toMatchObject({
    state: 'working',
  });

  const [first] = taken as [NewClaim];
  expect(await claims().take(first, limit)).toBe('taken');
  await claims().move(first.key, first.callId, 'released');
  expect(await claims().take(newClaim(customerId), limit)).toMatchObject({ state: 'working' });
  expect(await claims().take(newClaim(customerId), limit)).toBe('over_exposed');
});

test('what all payers have unsettled, and what wallets owe, never exceeds the limit in total', async () => {
  const [open] = await sql(world, `SELECT sum(exposure)::bigint AS atoms FROM claims WHERE state = 'working'`);
  const limit = { network: NETWORK, exposure: 300n, most: 1_000n, total: open.atoms + 1_000n };
  const wallets = Array.from({ length: 10 }, (_, index) => `0x${String(index + 1).padStart(40, '0')}`);
  const customers = await Promise.all(wallets.map(customer));
  const takeAll = () =>
    Promise.all(customers.map((one, index) => claims().take(newClaim(one), { ...limit, payer: wallets[index]! })));

  const taken = (await takeAll()).filter((outcome) => typeof outcome === 'object');
  expect(taken).toHaveLength(3);
  for (const { key, callId } of taken) await claims().move(key, callId, 'promised');
  expect(await takeAll()).toEqual(wallets.map(() => 'over_exposed'));
  for (const { key, callId } of taken) await claims().move(key, callId, 'failed', { reason: 'lost' });

  const owing = { callId: newId(), customerId: customers[0]!, charge: usdc(600n) };
  await world.app.get(LedgerService).post(callCaptured(owing), undefined, customerCredits(customers[0]!, 'USDC'));
  const again = await takeAll();
  expect(again.filter((outcome) => typeof outcome === 'object')).toHaveLength(1);
});

test('a wallet that used more than it paid for owes it, and claims nothing until that is repaid', async () => {
  const ledger = world.app.get(LedgerService);
  const customerId = await customer('0x00000000000000000000000000000000000000e2');
  const transfer = { paymentId: newId(), customerId, network: NETWORK, amount: usdc(1_000n) };
  const credits = customerCredits(customerId, 'USDC');
  const spent = { payTo: WALLET, transaction: '0x1' };
  await ledger.post(transferSettled({ ...transfer, ...spent }), undefined, credits);
  expect(await claims().take(newClaim(customerId))).toMatchObject({ state: 'working' });

  const takesMore = callCaptured({ callId: newId(), customerId, charge: usdc(1_400n) });
  expect(await ledger.post(takesMore, undefined, credits)).toMatchObject({ verdict: 'posted' });
  expect(await claims().take(newClaim(customerId))).toBe('owing');
  expect(await claims().take({ ...newClaim(customerId), despiteDebt: true })).toMatchObject({ state: 'working' });

  await ledger.post(transferSettled({ ...transfer, ...spent, paymentId: newId() }), undefined, credits);
  await world.app.get(ReceivablesService).repayFromCredit();
  expect(await claims().take(newClaim(customerId))).toMatchObject({ state: 'working' });
  const [owed] = await sql(
    world,
    'SELECT credits_posted - debits_posted AS atoms FROM ledger_accounts WHERE code = $1 AND asset = $2',
    [`customer:${customerId}:receivable`, 'USDC'],
  );
  expect(owed.atoms).toBe(0n);
});
