import {
  createTestClient,
  createWalletClient,
  type Hex,
  http,
  parseAbi,
  type PrivateKeyAccount,
  publicActions,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { PERMIT2 } from '../../src/evm/contracts';
import { readArtifact } from '../../src/local/artifacts';
import { fundEth, mintUsdc } from '../../src/local/chain';
import type { PaymentRequirements } from '../../src/payments/payment-scheme';
import { payerWith, usdcBalance } from '../support/chain';
import { expectRefused } from '../support/refused';
import { payingWallet } from '../support/transfers';
import { approvePermit2, type Permit2Authorization, type SignedUpto, signUpto, uptoPayerWith } from '../support/upto';
import { askedFor, expectBooksAsOnChain, inHeader, startX402World, type X402World } from '../support/x402-world';
import { chat } from '../support/world';

const STRANGER = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';
const now = () => Math.floor(Date.now() / 1000);

let world: X402World;
let payer: PrivateKeyAccount;
let required: PaymentRequirements;

beforeAll(async () => {
  world = await startX402World();
  payer = await uptoPayerWith(world.chain, 1_000_000n);
  required = await askedFor(chat(world.url, undefined), 'upto');
});
afterEach(() => expectBooksAsOnChain(world));
afterAll(() => world?.stop());

type Headers = Record<string, string>;

const spoiled = async (spoil: (payment: SignedUpto) => unknown): Promise<Headers> =>
  inHeader(spoil(await signUpto(payer, required)));
const signed = async (change: Partial<Permit2Authorization>) => inHeader(await signUpto(payer, required, change));
const accepting = (change: Partial<PaymentRequirements>) =>
  spoiled((payment) => ({ ...payment, accepted: { ...payment.accepted, ...change } }));
const witness = (change: Partial<Permit2Authorization['witness']>): Pick<Permit2Authorization, 'witness'> => ({
  witness: {
    to: required.payTo,
    facilitator: String(required.extra['facilitatorAddress']),
    validAfter: '0',
    ...change,
  },
});
const withPayload = (change: object) =>
  spoiled((payment) => ({ ...payment, payload: { ...payment.payload, ...change } }));
const without = (field: string) =>
  spoiled((payment) => {
    const { permit2Authorization: authorization } = payment.payload;
    const rest = Object.fromEntries(Object.entries(authorization).filter(([name]) => name !== field));
    return { ...payment, payload: { ...payment.payload, permit2Authorization: rest } };
  });

const UNREADABLE: [string, () => Promise<Headers>][] = [
  ['version 1 in the header of version 2', () => spoiled((payment) => ({ ...payment, x402Version: 1 }))],
  [
    'an EIP-3009 payload',
    () => spoiled((payment) => ({ ...payment, payload: { authorization: {}, signature: '0x11' } })),
  ],
  ...['from', 'permitted', 'spender', 'nonce', 'deadline', 'witness'].map((field): [string, () => Promise<Headers>] => [
    `no ${field}`,
    () => without(field),
  ]),
  ['a signature that is no hex', () => withPayload({ signature: 'signed' })],
  ['a nonce above uint256', () => signedLater({ nonce: '9'.repeat(78) })],
  ['a permit that is none', () => sponsored(payer, { amount: '-1' })],
];

/** Changed after it was signed. */
const signedLater = (change: Partial<Permit2Authorization>) =>
  spoiled((payment) => {
    const permit2Authorization = { ...payment.payload.permit2Authorization, ...change };
    return { ...payment, payload: { ...payment.payload, permit2Authorization } };
  });

/** With a permit (EIP-2612) that says this, signed by nobody. */
async function sponsored(from: PrivateKeyAccount, change: Record<string, string>): Promise<Headers> {
  const payment = await signUpto(from, required);
  const info = {
    from: from.address,
    asset: required.asset,
    spender: PERMIT2,
    amount: required.amount,
    nonce: '0',
    deadline: String(now() + 300),
    version: '1',
    signature: `0x${'11'.repeat(64)}1b`,
    ...change,
  };
  return inHeader({ ...payment, extensions: { eip2612GasSponsoring: { info } } });
}

test.each(UNREADABLE)('%s: 400, it cannot be read', async (_what, headers) => {
  await expectRefused(world, await headers(), 400, 'invalid_payload');
});

const REFUSED: [string, string, () => Promise<Headers>][] = [
  ['expired', 'permit2_deadline_expired', () => signed({ deadline: String(now() - 10) })],
  ['valid for ever', 'permit2_deadline_too_late', () => signed({ deadline: ((1n << 256n) - 1n).toString() })],
  ['about to expire', 'permit2_deadline_expired', () => signed({ deadline: String(now() + 3) })],
  ['not yet valid', 'permit2_not_yet_valid', () => signed(witness({ validAfter: String(now() + 600) }))],
  ['of too little', 'permit2_amount_mismatch', () => signed({ permitted: permitted(-1n) })],
  ['of too much', 'permit2_amount_mismatch', () => signed({ permitted: permitted(1n) })],
  ['of another amount accepted than signed', 'permit2_amount_mismatch', () => accepting({ amount: '1' })],
  ['to somebody else', 'invalid_permit2_recipient_mismatch', () => signed(witness({ to: STRANGER }))],
  ['for another facilitator', 'upto_facilitator_mismatch', () => signed(witness({ facilitator: STRANGER }))],
  ['for another spender', 'invalid_permit2_spender', () => signed({ spender: STRANGER })],
  ['in another token', 'permit2_token_mismatch', () => signed({ permitted: { ...permitted(0n), token: STRANGER } })],
  ['on another network', 'invalid_upto_evm_network_mismatch', () => accepting({ network: 'eip155:8453' })],
  ['changed after it was signed', 'invalid_permit2_signature', () => signedLater({ nonce: '7' })],
  [
    'signed by another wallet',
    'invalid_permit2_signature',
    async () => inHeader(await signUpto(payer, required, {}, await payerWith(world.chain, 0n))),
  ],
  [
    'by a wallet without the money',
    'permit2_insufficient_balance',
    async () => inHeader(await signUpto(await uptoPayerWith(world.chain, 1n), required)),
  ],
  ...(
    [
      ['by somebody else', 'eip2612_from_mismatch', { from: STRANGER }],
      ['for another token', 'eip2612_asset_mismatch', { asset: STRANGER }],
      ['for another spender', 'eip2612_spender_not_permit2', { spender: STRANGER }],
      ['over another amount', 'permit2_2612_amount_mismatch', { amount: '1' }],
      ['that has lapsed', 'eip2612_deadline_expired', { deadline: '1' }],
      ['with another nonce', 'eip2612_invalid_nonce', { nonce: '7' }],
      ['that nobody signed', 'eip2612_invalid_signature', {}],
    ] as const
  ).map(([what, code, change]): [string, string, () => Promise<Headers>] => [
    `with a permit ${what}`,
    code,
    async () => sponsored(await payerWith(world.chain, 1_000_000n), change),
  ]),
];

const permitted = (more: bigint) => ({ token: required.asset, amount: (BigInt(required.amount) + more).toString() });

test.each(REFUSED)('a payment %s: 402 %s', async (_what, code, headers) => {
  await expectRefused(world, await headers(), 402, code);
});

test('a payer that has not let Permit2 move its token: 412, and good once it has', async () => {
  const later = await payerWith(world.chain, 1_000_000n);
  const headers = inHeader(await signUpto(later, required));
  await expectRefused(world, headers, 412, 'permit2_allowance_required');
  await fundEth(world.chain.rpcUrl, later.address, 10n ** 18n);
  await approvePermit2(world.chain, later);
  expect((await chat(world.url, undefined, {}, headers)).status).toBe(200);
});

test('a payment that is settled pays nothing else', async () => {
  const headers = inHeader(await signUpto(payer, required));
  expect((await chat(world.url, undefined, {}, headers)).status).toBe(200);
  const other = await chat(world.url, undefined, { temperature: 0 }, headers);
  expect(other.status).toBe(402);
  expect(await other.json()).toMatchObject({ code: 'permit2_invalid_nonce' });
});

test('a contract wallet pays by EIP-1271, and nobody else signs for it', async () => {
  const owner = await payingWallet(world.chain, 0n);
  const { abi, bytecode } = readArtifact('ContractWallet');
  const deployed = await owner.deployContract({ abi, bytecode, args: [owner.account.address], chain: null });
  const { contractAddress } = await owner.waitForTransactionReceipt({ hash: deployed });
  const contract = { ...owner.account, address: contractAddress as Hex };
  await mintUsdc(world.chain.rpcUrl, contract.address, 1_000_000n);
  await approveAs(contract.address);

  const stranger = privateKeyToAccount(generatePrivateKey());
  const forged = inHeader(await signUpto(contract, required, {}, stranger));
  await expectRefused(world, forged, 402, 'invalid_permit2_signature');
  for (const body of [{ n: 1 }, { stream: true }]) {
    const before = await usdcBalance(world.chain, contract.address);
    const response = await chat(world.url, undefined, body, inHeader(await signUpto(contract, required)));
    expect({ status: response.status, text: await response.text() }).toMatchObject({ status: 200 });
    expect(await usdcBalance(world.chain, contract.address)).toBeLessThan(before);
  }
});

/** As the contract's own code would, if the smallest wallet there is could send anything. */
async function approveAs(account: Hex): Promise<void> {
  const { rpcUrl, usdc } = world.chain;
  await fundEth(rpcUrl, account, 10n ** 18n);
  await createTestClient({ mode: 'anvil', transport: http(rpcUrl) }).impersonateAccount({ address: account });
  const wallet = createWalletClient({ account, transport: http(rpcUrl), pollingInterval: 50 }).extend(publicActions);
  const hash = await wallet.writeContract({
    address: usdc,
    abi: parseAbi(['function approve(address spender, uint256 amount) returns (bool)']),
    functionName: 'approve',
    args: [PERMIT2, 10n ** 12n],
    chain: null,
  });
  await wallet.waitForTransactionReceipt({ hash });
}
