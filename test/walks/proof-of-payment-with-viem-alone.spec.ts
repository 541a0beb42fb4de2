import { proofHeader, instructionsOf, payingWallet, paidByHand } from '../support/transfers';
import { chat } from '../support/world';
import { expectBooksAsOnChain, startX402World, walletCredit, type X402World } from '../support/x402-world';

const HINT = { 'wallet-provider': 'MetaMask' };

describe.each([
  ['a chain that mines at once', {}],
  ['blocks every two seconds', { blockTimeSeconds: 2 }],
])('a transfer sent by hand on %s', (_, options) => {
  let world: X402World;

  beforeAll(async () => {
    world = await startX402World(options);
  });
  afterEach(() => expectBooksAsOnChain(world));
  afterAll(() => world?.stop());

  test.each([
    ['plain', { n: 1 }],
    ['streamed', { stream: true }],
  ])('pays a %s call, and what is left over is the wallet’s balance', async (_kind, body) => {
    const wallet = await payingWallet(world.chain, 1_000_000n);

    const unpaid = await chat(world.url, undefined, body, HINT);
    expect(unpaid.status).toBe(402);
    const asked = instructionsOf(await unpaid.json());
    expect(asked.eip681).toBe(
      `ethereum:${asked.asset}@${world.chain.chainId}/transfer?address=${asked.payTo}&uint256=${asked.atoms}`,
    );
    expect(asked.links).toEqual([{ wallet: 'metamask', url: expect.stringContaining(asked.payTo) }]);

    const proof = proofHeader(await paidByHand(wallet, asked));
    const paid = await chat(world.url, undefined, body, { ...HINT, ...proof });
    const answer = await paid.text();
    expect({ status: paid.status, answer }).toMatchObject({ status: 200, answer: expect.stringContaining('chat') });
    const invoiceId = paid.headers.get('x-tollbridge-invoice');

    // oxlint-disable-next-line typescript/no-explicit-any -- an invoice, looked into by the test
    const invoice: any = await (await fetch(`${world.url}/v1/invoices/${invoiceId}`)).json();
    expect(invoice).toMatchObject({
      rail: 'transfer-proof',
      evidence: {
        payer: wallet.account.address.toLowerCase(),
        settled: asked.atoms,
        walletProvider: 'metamask',
      },
    });
    const left = await walletCredit(world, wallet.account.address);
    expect(left).toBe(BigInt(asked.atoms) - BigInt(invoice.atoms));
    expect(left).toBeGreaterThan(0n);

    const again = await chat(world.url, undefined, body, { ...HINT, ...proof });
    expect(again.status).toBe(200);
    expect(again.headers.get('x-tollbridge-replayed')).toBe('true');
    expect(await again.text()).toBe(answer);
    expect(await walletCredit(world, wallet.account.address)).toBe(left);
  });
});

test('without the hint a 402 carries no instructions', async () => {
  const world = await startX402World();
  try {
    const unpaid = await chat(world.url, undefined, {});
    expect(await unpaid.json()).not.toHaveProperty('transfers');
  } finally {
    await world.stop();
  }
});
