import { parseMoney } from '../../src/common/money';
import { networkFees } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { GasBooks } from '../../src/payments/chain/gas-books.service';
import { ClaimScheduler } from '../../src/payments/channels/claim-scheduler.service';
import { channelClient } from '../support/channels';
import { expectBooksAsOnChain, payersWith, sql, startX402World, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  // A coin that is worth a cent: claims cost something, and are worth it.
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false', EVM_GAS_USD_PER_COIN: '0.01' } });
});
afterAll(() => world?.stop());

interface Shown {
  readonly networkFee?: string;
  readonly gas?: string;
  readonly deposit?: string;
}

const evidenceOf = async (id: string): Promise<Shown> =>
  ((await (await fetch(`${world.url}/v1/invoices/${id}`)).json()) as { evidence: Shown }).evidence;

test('the gas of deposits and claims is shared out over the invoices of their calls, to the last wei', async () => {
  const invoices: string[] = [];
  const clients = (await payersWith(world.chain, 3, 2_000_000n)).map((payer) => channelClient(world, payer));
  const everybodyCalls = async (bodies: readonly object[]) => {
    for (const body of bodies) {
      for (const client of clients) {
        const answer = await client.call({ ...body });
        expect(answer.status).toBe(200);
        invoices.push(answer.headers.get('x-tollbridge-invoice') as string);
        await answer.arrayBuffer();
      }
    }
  };
  await everybodyCalls([{ model: 'flat' }, {}, { stream: true }]);
  expect((await evidenceOf(invoices[0] as string)).networkFee).toBeUndefined();
  await world.app.get(ClaimScheduler).run();
  expect((await evidenceOf(invoices[0] as string)).networkFee).toBeUndefined();
  await world.app.get(GasBooks).post();
  const early = await evidenceOf(invoices[0] as string);
  // A second claim of the same channels changes nothing of the first.
  await everybodyCalls([{ model: 'flat' }]);
  await world.app.get(ClaimScheduler).run();
  await world.app.get(GasBooks).post();

  const shown = await Promise.all(invoices.map(evidenceOf));
  expect(shown[0]).toEqual(early);
  expect(shown.filter(({ deposit }) => deposit !== undefined)).toHaveLength(3);
  const [spent] = await sql(
    world,
    'SELECT sum(fee_wei)::text AS wei, sum(fee_value)::text AS nano FROM chain_transactions',
  );
  const wei = shown.reduce((sum, { gas = '' }) => sum + weiOf(gas), 0n);
  const nano = shown.reduce((sum, { networkFee = '' }) => sum + parseMoney(networkFee, 'USD').atoms, 0n);
  // Each call's share is rounded up.
  for (const [shares, all] of [
    [wei, spent.wei],
    [nano, spent.nano],
  ]) {
    expect(shares).toBeGreaterThanOrEqual(BigInt(all));
    expect(shares).toBeLessThanOrEqual(BigInt(all) + BigInt(invoices.length));
  }
  const { posted } = await world.app.get(LedgerAccountsService).balance(networkFees());
  expect((posted.atoms < 0n ? -posted.atoms : posted.atoms).toString()).toBe(spent.nano);
  await expectBooksAsOnChain(world);
});

const weiOf = (coins: string): bigint => {
  const [whole = '0', fraction = ''] = coins.split('.');
  return BigInt(whole + fraction.padEnd(18, '0'));
};
