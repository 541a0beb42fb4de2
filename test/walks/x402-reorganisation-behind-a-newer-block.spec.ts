import { createTestClient, http } from 'viem';
import { DEV_WALLETS, fundEth } from '../../src/local/chain';
import { ReorganisationWatch } from '../../src/payments/chain/reorganisation-watch.service';
import { TransactionFollower } from '../../src/payments/chain/transaction-follower.service';
import { until } from '../support/calls';
import { payerWith } from '../support/chain';
import { askedFor, inHeader, signPayment, sql, startX402World, type X402World } from '../support/x402-world';
import { chat } from '../support/world';

let world: X402World;

beforeAll(async () => {
  // Two keys, so that a nonce that is lost keeps the next payment from nothing. Jobs run when the story says so.
  const keys = [DEV_WALLETS.facilitator, DEV_WALLETS.payer];
  const env = { JOBS_IN_PROCESS: 'false', EVM_PRIVATE_KEY: keys.map(({ privateKey }) => privateKey).join(',') };
  world = await startX402World({ env });
  for (const { address } of keys) await fundEth(world.chain.rpcUrl, address, 10n ** 20n);
});
afterAll(() => world?.stop());

const chain = () => createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) });
const watch = () => world.app.get(ReorganisationWatch).watch();
const transactions = () =>
  sql(
    world,
    `SELECT state, block_number::int AS block, lost_at IS NOT NULL AS lost FROM chain_transactions ORDER BY created_at`,
  );

/** Once it is written down in which block its transfer is. */
async function pay(): Promise<void> {
  const payer = await payerWith(world.chain, 1_000_000n);
  const required = await askedFor(chat(world.url, undefined));
  expect((await chat(world.url, undefined, {}, inHeader(await signPayment(payer, required)))).status).toBe(200);
  await until(transactions, (all) => all.every(({ state }) => state === 'mined'));
}

test.each([
  ['had been seen on the chain', watch],
  ['was recorded since', async () => undefined],
])(
  'a block that %s is replaced, and one with a newer transaction of ours follows: it is noticed',
  async (_, before) => {
    await pay();
    await before();
    await chain().request({ method: 'anvil_reorg' as never, params: [1, []] as never });
    const replaced = (await transactions()).length - 1;
    await pay();
    const [lost, newer] = (await transactions()).slice(replaced);
    expect(newer.block).toBeGreaterThan(lost.block);

    await watch();

    const all = await transactions();
    expect(all.filter(({ lost: isLost }) => isLost)).toEqual([{ state: 'signed', block: null, lost: true }]);
    expect(all[replaced].lost).toBe(true);

    // Sent again, it is in another block.
    await sql(world, `UPDATE chain_transactions SET lost_at = NULL, created_at = created_at - interval '1 minute'`);
    await until(
      async () => {
        await world.app.get(TransactionFollower).follow();
        return transactions();
      },
      (now) => now.every(({ state }) => state === 'mined'),
    );
  },
);
