import { createWalletClient, http, publicActions } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { CustomersService } from '../../src/customers/customers.service';
import { DatabaseService } from '../../src/database/database.service';
import { usdc } from '../../src/common/money';
import { transferSettled } from '../../src/ledger/chain-entries';
import { chainReceipts, customerCredits, suspense } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { LedgerService } from '../../src/ledger/ledger.service';
import { DEV_WALLETS, fundEth } from '../../src/local/chain';
import { payerWith } from '../support/chain';
import { expectAllMatched, reconcileChain, TRANSFER_ABI, twoHoursPass } from '../support/chain-watch';
import { topUpWallet } from '../support/transfers';
import { sql, startX402World, type X402World } from '../support/x402-world';

const payTo = DEV_WALLETS.payTo.address.toLowerCase();
const signer = DEV_WALLETS.facilitator.address.toLowerCase();
let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
  await fundEth(world.chain.rpcUrl, payTo as `0x${string}`, 10n ** 18n);
  await topUpWallet(world, await payerWith(world.chain, 5_000_000n), '5');
});
afterAll(() => world?.stop());

const network = () => `eip155:${world.chain.chainId}`;
const balance = async (address: string) =>
  -(await world.app.get(LedgerAccountsService).balance(chainReceipts(network(), address))).posted.atoms;

/** By the key of `payTo`, past the product. */
async function sendByHand(to: string, atoms: bigint) {
  const wallet = createWalletClient({
    account: privateKeyToAccount(DEV_WALLETS.payTo.privateKey),
    transport: http(world.chain.rpcUrl),
    pollingInterval: 100,
  }).extend(publicActions);
  const args = [to as `0x${string}`, atoms] as const;
  const call = { address: world.chain.usdc, abi: TRANSFER_ABI, functionName: 'transfer', args, chain: null } as const;
  const hash = await wallet.writeContract(call);
  await wallet.waitForTransactionReceipt({ hash });
  return hash;
}

test('what left by nobody that the books know is a finding, until an entry names its transaction', async () => {
  expectAllMatched(await reconcileChain(world));
  const stranger = (await payerWith(world.chain, 0n)).address.toLowerCase();
  const hash = await sendByHand(stranger, 1_250_000n);
  expect((await reconcileChain(world)).findings).toEqual([]);

  await twoHoursPass(world);
  const { findings, balances } = await reconcileChain(world);
  expect(findings).toEqual([
    expect.objectContaining({
      kind: 'unknown_outbound',
      ref: expect.stringContaining(`${network()}:${hash}:`),
      amount: usdc(-1_250_000n),
      suggestedCause: expect.stringContaining(`${payTo} sent it to ${stranger}`),
    }),
  ]);
  expect((balances[0]?.theirs.atoms ?? 0n) - (balances[0]?.ours.atoms ?? 0n)).toBe(-1_250_000n);
  expect(await balance(payTo)).toBe(5_000_000n);

  await world.app.get(LedgerService).post({
    key: 'discrepancy:dis_1:1',
    kind: 'discrepancy_resolved',
    customerId: null,
    memo: { transaction: hash, network: network(), reason: 'moved to the cold wallet' },
    postings: [{ from: suspense('USDC'), to: chainReceipts(network(), payTo), amount: usdc(1_250_000n) }],
  });
  const resolved = await reconcileChain(world);
  expect(resolved.findings).toEqual([]);
  expect(resolved.balances[0]?.theirs).toEqual(resolved.balances[0]?.ours);
});

test('what went from one address of ours to another one is booked as that', async () => {
  const before = await balance(payTo);
  await sendByHand(signer, 700_000n);
  await reconcileChain(world);
  await twoHoursPass(world);
  const report = await reconcileChain(world);
  expect(report.findings).toEqual([]);
  expect(report.balances[0]?.theirs).toEqual(report.balances[0]?.ours);
  expect(await balance(payTo)).toBe(before - 700_000n);
  expect(await balance(signer)).toBe(700_000n);
  const kinds = await sql(world, `SELECT key FROM journal_entries WHERE kind = 'own_transfer_moved'`);
  expect(kinds).toHaveLength(1);
});

test('an entry whose transfer is not on the chain is a finding', async () => {
  const payer = (await payerWith(world.chain, 0n)).address;
  const { id: customerId } = await world.app.get(CustomersService).forWallet(world.app.get(DatabaseService), payer);
  const transaction = `0x${'ab'.repeat(32)}`;
  // As a hosted facilitator would have told it.
  const told = { paymentId: 'told', customerId, network: network(), payTo, transaction, amount: usdc(300_000n) };
  await world.app.get(LedgerService).post(transferSettled(told), undefined, customerCredits(customerId, 'USDC'));

  expect((await reconcileChain(world)).findings).toEqual([]);
  await twoHoursPass(world);
  const { findings, balances } = await reconcileChain(world);
  expect(findings).toEqual([expect.objectContaining({ kind: 'not_on_chain', amount: usdc(-300_000n), customerId })]);
  expect(findings[0]?.ref).toMatch(new RegExp(`^${network()}:${transaction}:entry-\\d+$`));
  expect((balances[0]?.theirs.atoms ?? 0n) - (balances[0]?.ours.atoms ?? 0n)).toBe(-300_000n);
});
