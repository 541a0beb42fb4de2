import { suspense } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { DEV_WALLETS } from '../../src/local/chain';
import { Attributions } from '../../src/payments/chain-watch/attributions.service';
import { ChainReport } from '../../src/payments/chain-watch/chain-report.service';
import { ChainCursors } from '../../src/payments/chain-watch/chain-cursors.service';
import { SuspendedTransfers } from '../../src/payments/chain-watch/suspended-transfers.service';
import { NetworksService } from '../../src/payments/chain/networks.service';
import { reconcileChain, twoHoursPass } from '../support/chain-watch';
import { payingWallet, transfer } from '../support/transfers';
import { customerWith } from '../support/world';
import { sql, startX402World, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
});
afterAll(() => world?.stop());

test('an address that is ours no more, a transfer under another log index, and many at once', async () => {
  const { usdc: asset } = world.chain;
  const wallet = await payingWallet(world.chain, 5_000_000n);
  await transfer(wallet, { asset, payTo: DEV_WALLETS.payTo.address }, 1_000_000n);
  await reconcileChain(world);
  await twoHoursPass(world);
  await reconcileChain(world);
  const [row] = await world.app.get(Attributions).suspended(1);
  const ref = row?.ref as string;
  const { customerId } = await customerWith(world, 0n);
  await world.app.get(Attributions).attribute(ref, { customerId }, 'said so');

  // A reorganisation mined it again, behind other logs of its block.
  await sql(world, `UPDATE chain_bookings SET state = 'open'`);
  await sql(world, `UPDATE chain_transfers SET state = 'open', entry_id = NULL, log_index = log_index + 3`);
  await reconcileChain(world);
  expect(await sql(world, 'SELECT state FROM chain_transfers')).toEqual([{ state: 'attributed' }]);
  expect(await world.app.get(Attributions).suspended(9)).toEqual([]);
  const moved = ref.replace(/\d+$/, (index) => String(Number(index) + 3));
  await world.app.get(Attributions).attribute(moved, { customerId }, 'said so');
  expect((await world.app.get(LedgerAccountsService).balance(suspense('USDC'))).posted.atoms).toBe(0n);

  // An address that was read, and that nothing configures any more: what it had is in the sums.
  const network = world.app.get(NetworksService).all()[0] as ReturnType<NetworksService['all']>[number];
  const { number } = await wallet.getBlock();
  await world.app.get(ChainCursors).open(network, wallet.account.address.toLowerCase(), number + 1n);
  const { balances, findings } = await reconcileChain(world);
  expect(findings).toEqual([]);
  expect(balances[0]?.theirs).toEqual(balances[0]?.ours);

  // More than go into one page, of which one cannot be booked: its key is another entry's.
  await sql(
    world,
    `INSERT INTO chain_transfers (network, asset, transaction, log_index, address, other, atoms, block_number, block_hash, mined_at)
     SELECT network, asset, transaction, 1000 + n, address, other, 7, block_number, block_hash, now() - interval '2 hours'
       FROM chain_transfers, generate_series(1, 120) n`,
  );
  await sql(world, `UPDATE chain_transfers SET log_index = $1 WHERE log_index = 1001`, [Number(ref.split(':').at(-1))]);
  await world.app.get(SuspendedTransfers).suspend(network.id, [DEV_WALLETS.payTo.address.toLowerCase()]);
  expect(await sql(world, `SELECT state, count(*)::int FROM chain_transfers GROUP BY 1 ORDER BY 1`)).toEqual([
    { state: 'attributed', count: 1 },
    { state: 'open', count: 1 },
    { state: 'suspense', count: 119 },
  ]);
  const ours = [DEV_WALLETS.payTo.address.toLowerCase()];
  const { findings: found } = await world.app.get(ChainReport).of(network, ours, await network.reader.getBlockNumber());
  const refused = found.find(({ kind }) => !['unknown_inbound', 'transfers_missing'].includes(kind));
  expect(refused).toMatchObject({ kind: 'suspension_refused', ref, amount: { atoms: 7n } });
  expect(refused?.suggestedCause).toMatch(/cannot be booked to suspense: .*transfer:/);
});
