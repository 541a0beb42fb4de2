import { Logger } from '@nestjs/common';
import { showChains } from '../../src/cli/chain';
import { type Given, readCommandLine } from '../../src/cli/command';
import { DEV_WALLETS, fundEth } from '../../src/local/chain';
import { GasAlarm } from '../../src/payments/chain/gas-alarm.service';
import { json } from '../support/calls';
import { payerWith } from '../support/chain';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  signPayment,
  sql,
  startX402World,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const KEYS = [DEV_WALLETS.facilitator, DEV_WALLETS.payer] as const;
const [FIRST, SECOND] = KEYS.map(({ address }) => address.toLowerCase());

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { EVM_PRIVATE_KEY: KEYS.map(({ privateKey }) => privateKey).join(',') } });
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => world?.stop());

async function payTimes(count: number): Promise<void> {
  const payer = await payerWith(world.chain, 1_000_000n);
  const required = await askedFor(chat(world.url, undefined));
  for (let call = 0; call < count; call++) {
    const response = await chat(world.url, undefined, {}, inHeader(await signPayment(payer, required)));
    expect(response.status).toBe(200);
  }
}

/** How many transactions each of our keys has sent so far. */
async function sentBy(): Promise<Record<string, number>> {
  const rows = await sql(world, 'SELECT lower(signer) AS signer, count(*)::int FROM chain_transactions GROUP BY 1');
  return Object.fromEntries(rows.map(({ signer, count }) => [signer, count]));
}

const chains = async () =>
  json(await fetch(`${world.url}/admin/chain`, { headers: { authorization: `Bearer ${world.adminToken}` } }));
const status = async () => (await chains()).networks[0];

test('two keys take turns; one without gas money rests, is announced, and comes back when it has some', async () => {
  await payTimes(6);
  expect(await sentBy()).toEqual({ [FIRST!]: 3, [SECOND!]: 3 });
  expect(await status()).toMatchObject({
    circuit: { state: 'closed' },
    signers: [
      { address: FIRST, nextNonce: expect.stringMatching(/^\d+$/), isLow: false },
      { address: SECOND, nextNonce: expect.stringMatching(/^\d+$/), isLow: false },
    ],
    alarms: [],
  });

  await fundEth(world.chain.rpcUrl, DEV_WALLETS.payer.address, 10n ** 15n);
  const said = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  await world.app.get(GasAlarm).watch();
  await world.app.get(GasAlarm).watch();
  const alerts = said.mock.calls.map(([line]) => String(line)).filter((line) => line.startsWith('ALERT gas_low'));
  expect(alerts).toEqual([expect.stringContaining(`${SECOND} has 0.001, less than 0.01`)]);
  expect((await status()).alarms).toEqual([{ code: 'gas_low', detail: expect.stringContaining(SECOND!) }]);

  const written = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  await showChains.run(readCommandLine('chain', showChains, []) as Given);
  const printed = written.mock.calls.map(([text]) => String(text)).join('');
  written.mockRestore();
  expect(printed).toMatch(new RegExp(`${SECOND} .* 0 +0.001 +low`));
  expect(printed).toContain(`ALARM gas_low: ${SECOND} has less than 0.01.`);

  await payTimes(4);
  expect(await sentBy()).toEqual({ [FIRST!]: 7, [SECOND!]: 3 });

  await fundEth(world.chain.rpcUrl, DEV_WALLETS.payer.address, 10n ** 18n);
  expect((await status()).alarms).toEqual([]);
  await payTimes(4);
  expect(await sentBy()).toEqual({ [FIRST!]: 9, [SECOND!]: 5 });

  // Both low: whoever has something left pays, rather than nobody.
  for (const { address } of KEYS) await fundEth(world.chain.rpcUrl, address, 10n ** 15n);
  expect((await status()).alarms).toHaveLength(2);
  await payTimes(2);
  expect(await sentBy()).toEqual({ [FIRST!]: 10, [SECOND!]: 6 });
  await expectBooksAsOnChain(world);
});

test('the operator sees what judges signatures in this process', async () => {
  expect(await chains()).toMatchObject({ secp256k1: 'native' });
});
