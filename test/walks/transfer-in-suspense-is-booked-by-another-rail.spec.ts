import { usdc } from '../../src/common/money';
import { channelsSettled } from '../../src/ledger/channel-entries';
import { suspense } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { LedgerService } from '../../src/ledger/ledger.service';
import { DEV_WALLETS } from '../../src/local/chain';
import { expectAllMatched, reconcileChain, twoHoursPass } from '../support/chain-watch';
import { payingWallet, transfer } from '../support/transfers';
import { expectBooksAsOnChain, sql, startX402World, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
});
afterAll(() => world?.stop());

test('a payout that went to suspense while its rail stood still is taken out again when the rail books it', async () => {
  const payTo = DEV_WALLETS.payTo.address;
  const wallet = await payingWallet(world.chain, 1_000_000n);
  const transaction = await transfer(wallet, { asset: world.chain.usdc, payTo }, 600_000n);
  await reconcileChain(world);
  await twoHoursPass(world);
  expect((await reconcileChain(world)).findings).toMatchObject([{ kind: 'unknown_inbound' }]);

  // As `watch-channels` would, after it had been away for an hour.
  const network = `eip155:${world.chain.chainId}`;
  const payout = { transaction, logIndex: 9, network, payTo, amount: usdc(600_000n) };
  await world.app.get(LedgerService).post(channelsSettled(payout));

  for (const _again of [1, 2]) {
    expectAllMatched(await reconcileChain(world));
    expect((await world.app.get(LedgerAccountsService).balance(suspense('USDC'))).posted.atoms).toBe(0n);
  }
  const entries = await sql(world, 'SELECT id, kind, corrects FROM journal_entries ORDER BY id');
  const [received, settled, recognised] = entries;
  expect(entries.map(({ kind }) => kind)).toEqual([
    'unknown_transfer_received',
    'channels_settled',
    'unknown_transfer_recognised',
  ]);
  expect(recognised.corrects).toBe(received.id);
  expect(await sql(world, 'SELECT state, entry_id FROM chain_transfers')).toEqual([
    { state: 'booked', entry_id: settled.id },
  ]);
  expect(await expectBooksAsOnChain(world)).toBe(600_000n);
});
