import { createTestClient, http, type PrivateKeyAccount } from 'viem';
import { formatAtoms } from '../../src/common/money';
import { networkFees } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { GasBooks } from '../../src/payments/chain/gas-books.service';
import { until } from '../support/calls';
import { payerWith } from '../support/chain';
import { signUpto, uptoPayerWith } from '../support/upto';
import { allPass, type Fate } from '../support/rpc-proxy';
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

let world: X402World;
let payer: PrivateKeyAccount;

afterEach(async () => {
  await expectBooksAsOnChain(world);
  await world.stop();
});

const open = async (env: Record<string, string>) => {
  world = await startX402World({ blockTimeSeconds: 1, env });
  payer = await payerWith(world.chain, 1_000_000n);
};
const pay = async (body = {}) => {
  const headers = inHeader(await signPayment(payer, await askedFor(chat(world.url, undefined))));
  return () => chat(world.url, undefined, body, headers);
};
const payUpto = async (body: Record<string, unknown>) => {
  const wallet = await uptoPayerWith(world.chain, 1_000_000n);
  const headers = inHeader(await signUpto(wallet, await askedFor(chat(world.url, undefined), 'upto')));
  return () => chat(world.url, undefined, body, headers);
};
const chain = () => createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) });
const states = async () =>
  (await sql(world, 'SELECT state FROM chain_transactions ORDER BY created_at')).map(({ state }) => state);

test.each([
  ['exact', () => pay()],
  ['upto', () => payUpto({})],
])(
  '%s: a transaction that fees have left behind is replaced under its nonce, and one of the two is mined',
  async (_, begin) => {
    await open({ EVM_REPLACE_AFTER_SECONDS: '3' });
    const send = await begin();
    // Signed at the fees of now; from the next block on, gas costs a hundred times as much.
    world.node.rule = async ({ method }): Promise<Fate> => {
      if (method === 'eth_sendRawTransaction') {
        world.node.rule = allPass;
        await chain().setNextBlockBaseFeePerGas({ baseFeePerGas: 200_000_000_000n });
        await chain().mine({ blocks: 1 });
      }
      return 'pass';
    };
    const first = await send();
    await first.text();
    expect([200, 503]).toContain(first.status);
    await until(
      () => sql(world, 'SELECT state FROM claims'),
      ([claim]) => claim.state === 'settled',
      40_000,
    );

    expect((await send()).status).toBe(200);
    const sent = await sql(world, 'SELECT nonce FROM chain_transactions');
    expect(sent.length).toBeGreaterThan(1);
    expect(new Set(sent.map(({ nonce }) => nonce)).size).toBe(1);
    await until(
      states,
      (all) => all.filter((state) => state === 'mined').length === 1 && !all.includes('signed'),
      10_000,
    );
  },
);

test.each([
  ['exact', () => pay()],
  ['upto', () => payUpto({})],
])('%s: a transaction that the node forgets is sent again', async (_, begin) => {
  await open({});
  const send = await begin();
  world.node.rule = ({ method }) => {
    if (method !== 'eth_sendRawTransaction') return 'pass';
    world.node.rule = allPass;
    return { result: `0x${'00'.repeat(32)}` };
  };

  expect((await send()).status).toBe(200);
  expect(await states()).toEqual(['mined']);
});

test('a reorganisation below the confirmations is followed: the answer comes when the transfer is final', async () => {
  await open({ EVM_CONFIRMATIONS: '3' });
  const send = await pay();
  const answer = send();
  await until(
    () => sql(world, 'SELECT hash FROM chain_transactions'),
    (sent) => sent.length === 1,
  );
  const [{ hash }] = await sql(world, 'SELECT hash FROM chain_transactions');
  const receipt = () =>
    chain()
      .request({ method: 'eth_getTransactionReceipt' as never, params: [hash] as never })
      .then((found) => found as unknown);
  await until(receipt, (found) => found !== null);
  await chain().request({ method: 'anvil_reorg' as never, params: [1, []] as never });
  expect(await receipt()).toBeNull();

  expect((await answer).status).toBe(200);
  expect(await receipt()).not.toBeNull();
});

test.each([
  ['exact, plain', () => pay()],
  ['exact, streamed', () => pay({ stream: true })],
  ['upto, plain', () => payUpto({})],
  ['upto, streamed', () => payUpto({ stream: true })],
])('%s: the gas of a settlement is on the books, and on the invoice of its call', async (_, begin) => {
  await open({ EVM_GAS_USD_PER_COIN: '2000' });
  const response = await (await begin())();
  expect(response.status).toBe(200);
  await response.text();
  await until(states, ([state]) => state === 'mined');
  await world.app.get(GasBooks).post();
  await world.app.get(GasBooks).post();

  const [sent] = await sql(world, 'SELECT fee_wei, signer FROM chain_transactions');
  const wei = BigInt(sent.fee_wei);
  const fees = await world.app.get(LedgerAccountsService).balance(networkFees());
  const nanoUsd = (wei * 2_000n + 999_999_999n) / 1_000_000_000n;
  expect(-fees.posted.atoms).toBe(nanoUsd);
  const coins = await sql(
    world,
    `SELECT credits_posted - debits_posted AS gwei FROM ledger_accounts WHERE code LIKE $1`,
    [`chain:%:gas:${String(sent.signer).toLowerCase()}`],
  );
  expect(coins).toEqual([{ gwei: (wei + 999_999_999n) / 1_000_000_000n }]);
  const [call] = await until(
    () => sql(world, 'SELECT evidence FROM usage_records'),
    (calls) => calls.length === 1,
  );
  expect(call.evidence.gas).toBe(formatAtoms(wei, 18));
  expect(Math.round(Number(call.evidence.networkFee) * 1e9)).toBe(Number(nanoUsd));
});
