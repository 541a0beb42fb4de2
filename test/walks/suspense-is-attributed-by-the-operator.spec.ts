import type { Entry } from '../../src/cli/command';
import { attributeSuspense, listSuspense } from '../../src/cli/suspense';
import { conversion, customerCredits, suspense } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { DEV_WALLETS } from '../../src/local/chain';
import { reconcileChain, twoHoursPass } from '../support/chain-watch';
import { runCommand } from '../support/commands';
import { brokenGrants } from '../support/grants-world';
import { instructionsOf, paidByHand, payingWallet, proofHeader, transfer } from '../support/transfers';
import { chat, customerWith } from '../support/world';
import { expectBooksAsOnChain, startX402World, walletCredit, type X402World } from '../support/x402-world';

const COMMANDS: readonly Entry[] = [
  { name: 'suspense list', summary: 'List', load: async () => listSuspense },
  { name: 'suspense attribute', summary: 'Attribute', load: async () => attributeSuspense },
];

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
});
afterAll(() => world?.stop());

// oxlint-disable-next-line typescript/no-explicit-any -- answers of many shapes, looked into by tests
const admin = async (method: string, path: string, body?: unknown): Promise<any> => {
  const answer = await fetch(`${world.url}/admin/suspended-transfers${path}`, {
    method,
    headers: { authorization: `Bearer ${world.adminToken}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, ...((await answer.json()) as object) };
};
const attribute = (ref: string, owner: object) =>
  admin('POST', `/${encodeURIComponent(ref)}/attribution`, { reason: 'said so', ...owner });
const balance = async (account: ReturnType<typeof suspense>) =>
  (await world.app.get(LedgerAccountsService).balance(account)).posted.atoms;

test('the operator gives what waits in suspense to a customer or a wallet, once, and no proof takes it again', async () => {
  const payTo = DEV_WALLETS.payTo.address;
  const wallet = await payingWallet(world.chain, 3_000_000n);
  const asked = instructionsOf(await (await chat(world.url, undefined, {}, { 'wallet-provider': 'viem' })).json());
  await transfer(wallet, { asset: world.chain.usdc, payTo }, 1_250_000n);
  const proof = await paidByHand(wallet, asked);
  const atoms = BigInt(asked.atoms);
  await reconcileChain(world);
  await twoHoursPass(world);
  await reconcileChain(world);

  const { data } = await admin('GET', '');
  const from = wallet.account.address.toLowerCase();
  expect(data).toMatchObject([{ from, to: payTo.toLowerCase(), amount: '1.25' }, { from }]);
  const [large, small] = data.map(({ ref }: { ref: string }) => ref) as [string, string];

  const { customerId } = await customerWith(world, 0n);
  const attributed = { status: 201, ref: large, customerId, credited: '1.25', asset: 'USD' };
  expect(await attribute(large, { customerId })).toEqual(attributed);
  expect(await attribute(large, { customerId })).toEqual(attributed);
  expect(await balance(customerCredits(customerId, 'USD'))).toBe(1_250_000_000n);
  expect(await attribute(large, { walletAddress: from })).toMatchObject({
    status: 409,
    code: 'suspense_attributed_elsewhere',
    customerId,
  });

  // The other one by command, and again by the route.
  const listed = await runCommand(COMMANDS, 'suspense', 'list', '--json');
  expect([listed.code, JSON.parse(listed.out)]).toMatchObject([0, [{ ref: small, from }]]);
  const given = await runCommand(COMMANDS, 'suspense', 'attribute', small, '--wallet', from, '--reason', 'said so');
  expect([given.code, given.out]).toEqual([
    0,
    expect.stringMatching(/^eip155:\S+ is of cus_\w+ now: [\d.]+ USDC\.\n$/),
  ]);
  expect(await attribute(small, { walletAddress: from })).toMatchObject({ status: 201, asset: 'USDC' });
  expect(await walletCredit(world, from)).toBe(atoms);
  expect(await balance(suspense('USDC'))).toBe(0n);
  expect(await balance(conversion('USDC'))).toBe(1_250_000n);
  const shown = await chat(world.url, undefined, {}, proofHeader(proof));
  expect(await shown.json()).toMatchObject({ code: 'transfer_attributed' });

  const report = await reconcileChain(world);
  expect(report.findings).toEqual([]);
  for (const { ours, theirs } of report.balances) expect(theirs).toEqual(ours);
  expect(await admin('GET', '')).toEqual({ status: 200, data: [] });
  expect(await brokenGrants(world)).toEqual([]);
  expect(await expectBooksAsOnChain(world, false)).toBe(1_250_000n + atoms);
});

test('what is not in suspense, or has no owner or two, is refused', async () => {
  const ref = `eip155:${world.chain.chainId}:0x${'5f'.repeat(32)}:7`;
  const { customerId } = await customerWith(world, 0n);
  const walletAddress = DEV_WALLETS.payer.address;
  expect(await attribute(ref, { customerId })).toMatchObject({ status: 404, code: 'suspended_transfer_not_found' });
  expect(await attribute('nothing', { customerId })).toMatchObject({ status: 404 });
  expect(await attribute(ref, { customerId: 'cus_none' })).toMatchObject({ status: 404, code: 'customer_not_found' });
  expect(await attribute(ref, {})).toMatchObject({ status: 400, code: 'owner_ambiguous' });
  expect(await attribute(ref, { customerId, walletAddress })).toMatchObject({ status: 400, code: 'owner_ambiguous' });
  expect(await attribute(ref, { walletAddress: 'me' })).toMatchObject({ status: 400 });
});
