import { DEV_WALLETS } from '../../src/local/chain';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  payersWith,
  signPayment,
  sql,
  startX402World,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const WALLETS = 64;

let world: X402World;
afterEach(() => world?.stop());

test.each([
  ['that mines at once', {}],
  ['with a block every second', { blockTimeSeconds: 1 }],
])('sixty-four wallets pay at once, through two replicas and one hot wallet, on a chain %s', async (_kind, options) => {
  world = await startX402World({ replicas: 2, ...options });
  const required = await askedFor(chat(world.url, undefined));
  const payers = await payersWith(world.chain, WALLETS, 1_000_000n);
  const payments = await Promise.all(payers.map((payer) => signPayment(payer, required)));

  const responses = await Promise.all(
    payments.map((payment, index) =>
      chat((world.replicas[index % 2] as X402World).url, undefined, {}, inHeader(payment)),
    ),
  );

  const bodies = await Promise.all(responses.map((response) => response.text()));
  expect(bodies.filter((_, index) => responses[index]?.status !== 200)).toEqual([]);
  expect(await expectBooksAsOnChain(world)).toBe(BigInt(required.amount) * BigInt(WALLETS));

  const sent = await sql(world, 'SELECT nonce, hash FROM chain_transactions ORDER BY nonce');
  const first = sent[0].nonce;
  expect(sent.map(({ nonce }) => nonce)).toEqual(Array.from({ length: WALLETS }, (_, index) => first + BigInt(index)));
  const [signer] = await sql(world, 'SELECT * FROM chain_signers');
  expect(signer).toEqual({
    network: 'eip155:84532',
    address: DEV_WALLETS.facilitator.address,
    next_nonce: first + BigInt(WALLETS),
  });
  const settled = await sql(world, `SELECT DISTINCT transaction FROM claims WHERE state = 'settled'`);
  expect(settled).toHaveLength(WALLETS);
});
