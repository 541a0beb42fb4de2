import { chainReceipts, type LedgerAccount, suspense } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { DEV_WALLETS } from '../../src/local/chain';
import { brokenInvariants } from '../support/invariants';
import { expectAllMatched, reconcileChain, twoHoursPass } from '../support/chain-watch';
import { instructionsOf, paidByHand, payingWallet, proofHeader } from '../support/transfers';
import { chat } from '../support/world';
import { expectBooksAsOnChain, sql, startX402World, walletCredit, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World();
});
afterAll(() => world?.stop());

const balance = async (account: LedgerAccount) =>
  (await world.app.get(LedgerAccountsService).balance(account)).posted.atoms;

test('a transfer that nobody shows goes to suspense after an hour, and its proof takes it out of there', async () => {
  const wallet = await payingWallet(world.chain, 1_000_000n);
  const asked = instructionsOf(await (await chat(world.url, undefined, {}, { 'wallet-provider': 'viem' })).json());
  const proof = await paidByHand(wallet, asked);
  const atoms = BigInt(asked.atoms);
  const receipts = chainReceipts(asked.network, DEV_WALLETS.payTo.address);

  // Its payer may still show it: nothing is booked, and nothing is wrong.
  const before = await reconcileChain(world);
  expect(before.findings).toEqual([]);
  expect(before.counts['waiting']).toBe(1);
  expect(before.balances[0]?.theirs).toEqual(before.balances[0]?.ours);
  expect(await balance(suspense('USDC'))).toBe(0n);

  await twoHoursPass(world);
  for (const _again of [1, 2]) {
    const { findings, balances } = await reconcileChain(world);
    expect(findings).toEqual([
      {
        kind: 'unknown_inbound',
        ref: expect.stringMatching(new RegExp(`^${asked.network}:${proof.transaction}:\\d+$`)),
        amount: { asset: 'USDC', atoms },
        since: expect.any(Date),
        suggestedCause: expect.stringContaining(wallet.account.address.toLowerCase()),
      },
    ]);
    expect(balances[0]?.theirs).toEqual(balances[0]?.ours);
    expect(balances[1]).toMatchObject({ name: 'USDC in suspense', theirs: { atoms } });
    expect(await balance(suspense('USDC'))).toBe(atoms);
    expect(await balance(receipts)).toBe(-atoms);
  }

  const shown = await chat(world.url, undefined, {}, proofHeader(proof));
  expect(shown.status).toBe(200);
  expect(await balance(suspense('USDC'))).toBe(0n);
  expect(await balance(receipts)).toBe(-atoms);
  expect((await chat(world.url, undefined, {}, proofHeader(proof))).status).toBe(200);
  expect(await walletCredit(world, wallet.account.address)).toBeLessThan(atoms);

  expectAllMatched(await reconcileChain(world));
  expect(await expectBooksAsOnChain(world)).toBe(atoms);
  expect(await brokenInvariants((text, parameters) => sql(world, text, parameters))).toEqual([]);
});
