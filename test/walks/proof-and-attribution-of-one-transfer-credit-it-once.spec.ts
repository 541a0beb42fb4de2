import { customerCredits, suspense } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { Attributions } from '../../src/payments/chain-watch/attributions.service';
import { ClaimsService } from '../../src/payments/claims.service';
import { TransferBooks } from '../../src/payments/transfer-proof/transfer-books.service';
import { TransferRecovery } from '../../src/payments/transfer-proof/transfer-recovery.service';
import { expectAllMatched, reconcileChain, twoHoursPass } from '../support/chain-watch';
import { instructionsOf, paidByHand, payingWallet, proofHeader } from '../support/transfers';
import { chat, customerWith } from '../support/world';
import { sql, startX402World, walletCredit, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => world?.stop());

const usdOf = async (customerId: string) =>
  (await world.app.get(LedgerAccountsService).balance(customerCredits(customerId, 'USD'))).posted.atoms;

/** A transfer that has waited in suspense for so long, what proves it, and a customer who says that it is his. */
async function suspended() {
  const wallet = await payingWallet(world.chain, 1_000_000n);
  const asked = instructionsOf(await (await chat(world.url, undefined, {}, { 'wallet-provider': 'viem' })).json());
  const proof = await paidByHand(wallet, asked);
  await reconcileChain(world);
  await twoHoursPass(world);
  await reconcileChain(world);
  const [row] = await world.app.get(Attributions).suspended(1);
  const { customerId } = await customerWith(world, 0n);
  const show = () => chat(world.url, undefined, {}, proofHeader(proof));
  return { show, ref: row?.ref as string, customerId, payer: wallet.account.address, atoms: BigInt(asked.atoms) };
}

const claimOf = (ref: string) => world.app.get(ClaimsService).find(`transfer:${ref}`);

/** Stops between the claim of a transfer and its entry. */
function afterTheClaim(then: () => Promise<void>): void {
  const books = world.app.get(TransferBooks);
  const credit = books.credit.bind(books);
  jest.spyOn(books, 'credit').mockImplementationOnce(async (...given) => {
    await then();
    return credit(...given);
  });
}

/** As if the operator had read that there was no claim just before there was one. */
async function attributeBeforeTheClaim(ref: string, customerId: string): Promise<void> {
  const key = `transfer:${ref}`;
  await sql(world, `UPDATE claims SET key = 'hidden:' || key WHERE key = $1`, [key]);
  await world.app.get(Attributions).attribute(ref, { customerId }, 'said so');
  await sql(world, `UPDATE claims SET key = $1 WHERE key = 'hidden:' || $1`, [key]);
}

test('an operator who attributes while a proof is being booked is refused, and the proof pays', async () => {
  const { show, ref, customerId, payer } = await suspended();
  let refused: unknown;
  afterTheClaim(async () => {
    refused = await world.app
      .get(Attributions)
      .attribute(ref, { customerId }, 'said so')
      .catch((error: unknown) => error);
  });
  expect((await show()).status).toBe(200);
  expect(refused).toMatchObject({ status: 409, code: 'suspended_transfer_claimed' });
  expect(await usdOf(customerId)).toBe(0n);
  expect(await walletCredit(world, payer)).toBeGreaterThan(0n);
  expectAllMatched(await reconcileChain(world));
});

test('a proof whose transfer is attributed between its claim and its entry credits nothing, however often', async () => {
  const { show, ref, customerId, payer, atoms } = await suspended();
  afterTheClaim(() => attributeBeforeTheClaim(ref, customerId));
  for (const _again of [1, 2]) {
    const answer = await show();
    expect([answer.status, await answer.json()]).toMatchObject([402, { code: 'transfer_attributed' }]);
  }
  expect(await claimOf(ref)).toMatchObject({ state: 'failed', reason: 'attributed' });
  expect(await usdOf(customerId)).toBe(atoms * 1000n);
  expect(await walletCredit(world, payer)).toBe(0n);
  expectAllMatched(await reconcileChain(world));
});

test('recovery of a proof whose process died before the operator attributed its transfer credits nothing', async () => {
  const { show, ref, customerId, payer, atoms } = await suspended();
  afterTheClaim(() => Promise.reject(new Error('killed')));
  expect((await show()).status).toBe(500);
  await attributeBeforeTheClaim(ref, customerId);
  await sql(world, `UPDATE claims SET lease_until = now() - interval '1 second' WHERE key = $1`, [`transfer:${ref}`]);
  for (const _again of [1, 2]) await world.app.get(TransferRecovery).recover();
  expect(await claimOf(ref)).toMatchObject({ state: 'failed', reason: 'attributed' });
  expect(await usdOf(customerId)).toBe(atoms * 1000n);
  expect(await walletCredit(world, payer)).toBe(0n);
  expect((await world.app.get(LedgerAccountsService).balance(suspense('USDC'))).posted.atoms).toBe(0n);
  expectAllMatched(await reconcileChain(world));
});
