import { newId, prefixedId } from '../../src/common/id';
import { usdc } from '../../src/common/money';
import { transferReversed, transferSettledAgain } from '../../src/ledger/chain-entries';
import { LedgerService } from '../../src/ledger/ledger.service';
import { RefundablePayments } from '../../src/payments/refunds/refundable-payments.service';
import { UsdcRefundBooks } from '../../src/payments/refunds/usdc-refund-books.service';
import { ReversedTransfers } from '../../src/payments/reversals/reversed-transfers.service';
import { usdcBalance } from '../support/chain';
import {
  expectBooksAreEven,
  FLAT_ATOMS,
  paidCall,
  paidOut,
  PAYS_OUT,
  refundsOnTheBooks,
  refundUsdc,
  untilPaidOut,
} from '../support/usdc-refunds';
import { sql, startX402World, walletCredit, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ replicas: 2, env: PAYS_OUT });
});
afterEach(() => expectBooksAreEven(world));
afterAll(() => world?.stop());

test('twenty refunds of one call at two replicas, to the payer and to the balance: never above what it cost', async () => {
  const { payer, callId } = await paidCall(world);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      refundUsdc(world.replicas[index % 2] as X402World, {
        callId,
        to: index % 3 === 0 ? 'balance' : 'payer',
        amount: '0.03',
      }),
    ),
  );
  await untilPaidOut(world);
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
  for (const { status, body } of answers) {
    if (status !== 201) expect(body).toMatchObject({ code: 'refund_exceeds_payment', refundable: '0.01' });
  }
  const back = (await usdcBalance(world.chain, payer.address)) - (1_000_000n - FLAT_ATOMS);
  expect(back + (await walletCredit(world, payer.address))).toBe(90_000n);
  expect(await refundsOnTheBooks(world)).toBe(90_000n);
});

test('twenty copies of one request with its key are one refund; the key is good for nothing else', async () => {
  const { payer, callId } = await paidCall(world);
  const request = { callId, to: 'payer', amount: '0.02' };
  const copies = await Promise.all(
    Array.from({ length: 20 }, (_, index) => refundUsdc(world.replicas[index % 2] as X402World, request, 'once')),
  );
  await untilPaidOut(world);
  expect(copies.map(({ status }) => status)).toEqual(Array(20).fill(201));
  expect(new Set(copies.map(({ body }) => body.id)).size).toBe(1);
  expect(await paidOut(world, payer.address)).toBe(20_000n);
  expect((await refundUsdc(world, request, 'once')).body).toMatchObject({ id: copies[0]?.body.id, state: 'sent' });

  const other = await paidCall(world);
  for (const body of [
    { ...request, amount: '0.03' },
    { ...request, callId: other.callId },
  ]) {
    expect((await refundUsdc(world, body, 'once')).body.code).toBe('idempotency_conflict');
  }
  const together = await Promise.all(
    [request, { ...request, callId: other.callId }].map((body) => refundUsdc(world, body, 'two-at-once')),
  );
  await untilPaidOut(world);
  expect(together.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
  expect((await refundUsdc(world, request, 'not a key')).body.code).toBe('invalid_idempotency_key');
});

test('a transfer that a reorganisation takes while it is given back: nothing goes until it is there again', async () => {
  const { callId } = await paidCall(world);
  const get = <Service>(service: new (...given: never[]) => Service) =>
    world.app.get<Service>(service, { strict: false });
  const payment = await get(RefundablePayments).find({ callId });
  const paymentId = payment.paymentId as string;
  const [{ hash }] = (await sql(world, `SELECT transaction AS hash FROM chain_calls WHERE reference = $1`, [
    paymentId,
  ])) as [{ hash: string }];
  const booked = await get(ReversedTransfers).bookedBy(paymentId, hash);
  if (!booked) throw new Error('not booked');
  const moved = { ...booked, customerId: payment.walletId, transaction: hash, amount: usdc(booked.atoms) };
  const order = { payment, destination: 'balance', forced: false, reason: null, atoms: 1n } as const;
  const open = () =>
    get(UsdcRefundBooks).open({ ...order, id: prefixedId('urf'), withdrawal: undefined, requestKey: undefined });
  const gone = { code: 'payment_not_settled' };

  await get(LedgerService).post(transferReversed(moved));
  await expect(open()).rejects.toMatchObject(gone);
  const { walletId: customerId } = payment;
  await get(ReversedTransfers).add({
    ...booked,
    id: newId(),
    paymentId,
    scheme: 'none',
    customerId,
    transaction: hash,
  });
  await expect(open()).rejects.toMatchObject(gone);
  await get(LedgerService).post(transferSettledAgain(moved));
  await sql(world, `UPDATE reversed_transfers SET state = 'settled' WHERE payment_id = $1`, [paymentId]);
  expect(await open()).toMatch(/^urf_/);
});
