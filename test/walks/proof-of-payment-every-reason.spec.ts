import { createTestClient, createWalletClient, encodeFunctionData, type Hex, http, parseAbi } from 'viem';
import { readArtifact } from '../../src/local/artifacts';
import { fundEth, mintUsdc } from '../../src/local/chain';
import { payerWith } from '../support/chain';
import { allCut, allPass } from '../support/rpc-proxy';
import {
  type Instructions,
  instructionsOf,
  paidByHand,
  payingWallet,
  type PayingWallet,
  type Proof,
  proofHeader,
  proofOf,
  transfer,
} from '../support/transfers';
import { chat } from '../support/world';
import {
  askedFor,
  countOfBooks,
  expectBooksAsOnChain,
  inHeader,
  signPayment,
  startX402World,
  untilOffered,
  walletCredit,
  type X402World,
} from '../support/x402-world';

const HINT = { 'wallet-provider': 'viem' };
const OTHER = { messages: [{ role: 'user', content: 'Something else.' }] };
const ALL_BUT_DATE = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;
const MULTICALL3 = '0xcA11bde05977b3631167028862bE2a173976CA11';

let world: X402World;
let wallet: PayingWallet;
let stranger: PayingWallet;

beforeAll(async () => {
  world = await startX402World();
  wallet = await payingWallet(world.chain, 100_000_000n);
  stranger = await payingWallet(world.chain, 100_000_000n);
});
afterAll(() => world?.stop());

const asked = async (body: Record<string, unknown> = {}): Promise<Instructions> =>
  instructionsOf(await (await chat(world.url, undefined, body, HINT)).json());
const show = (proof: Proof, body: Record<string, unknown> = {}) => chat(world.url, undefined, body, proofHeader(proof));

/** Shows a proof that is not accepted: the work is not done. What may change on the books is told by the caller. */
async function refusalOf(proof: Proof, body: Record<string, unknown> = {}) {
  const calls = world.upstream.calls().length;
  const response = await show(proof, body);
  expect(world.upstream.calls().length).toBe(calls);
  return { status: response.status, ...((await response.json()) as { code: string; transfer?: Instructions }) };
}

/** The same, and nothing is claimed and nothing posted. */
async function untouched(proof: Proof, body: Record<string, unknown> = {}) {
  const before = await countOfBooks(world);
  const refusal = await refusalOf(proof, body);
  expect(await countOfBooks(world)).toEqual(before);
  return refusal;
}

test('a stranger who saw the transaction cannot spend it', async () => {
  const theirs = await asked();
  const transaction = await transfer(wallet, theirs, BigInt(theirs.atoms));
  const mine = await asked(OTHER);

  // Their own signature over it, in their own name and in the payer's.
  expect(await untouched(await proofOf(stranger, mine, transaction), OTHER)).toMatchObject({
    status: 402,
    code: 'transfer_foreign',
  });
  const forged = await proofOf(stranger, mine, transaction, wallet.account.address);
  expect(await untouched(forged, OTHER)).toMatchObject({ status: 402, code: 'transfer_signature_invalid' });
  // The payer's signature over another reference.
  const stolen = { ...(await proofOf(wallet, theirs, transaction)), reference: mine.reference };
  expect(await untouched(stolen, OTHER)).toMatchObject({ status: 402, code: 'transfer_signature_invalid' });

  expect((await show(await proofOf(wallet, theirs, transaction))).status).toBe(200);
  await expectBooksAsOnChain(world);
});

test('a transfer pays once: for another request it is used', async () => {
  const first = await asked();
  const proof = await paidByHand(wallet, first);
  expect((await show(proof)).status).toBe(200);

  const again = await proofOf(wallet, await asked(OTHER), proof.transaction);
  expect(await untouched(again, OTHER)).toMatchObject({ status: 402, code: 'transfer_already_used' });
});

test('fifty copies of one proof do one piece of work, and all get its answer', async () => {
  const proof = await paidByHand(wallet, await asked());
  const calls = world.upstream.calls().length;

  const responses = await Promise.all(Array.from({ length: 50 }, () => show(proof)));
  expect(responses.map(({ status }) => status)).toEqual(Array(50).fill(200));
  expect(new Set(await Promise.all(responses.map((response) => response.text()))).size).toBe(1);
  expect(world.upstream.calls().length - calls).toBe(1);
  await expectBooksAsOnChain(world);
});

test('a reference is good for its own request only', async () => {
  const proof = await paidByHand(wallet, await asked());
  expect(await untouched(proof, OTHER)).toMatchObject({ status: 402, code: 'transfer_reference_unknown' });
  const forged = { ...proof, reference: `tbr_${'A'.repeat(40)}` };
  expect(await untouched(forged)).toMatchObject({ status: 402, code: 'transfer_reference_unknown' });
  expect((await show(proof)).status).toBe(200);
});

test('an under-paid transfer is credit of its wallet, and does not pay', async () => {
  const instructions = await asked();
  const before = await walletCredit(world, wallet.account.address);
  const transaction = await transfer(wallet, instructions, BigInt(instructions.atoms) - 1n);
  const proof = await proofOf(wallet, instructions, transaction);

  const refusal = await refusalOf(proof);
  expect(refusal).toMatchObject({ status: 402, code: 'transfer_underpaid' });
  expect(instructionsOf(refusal).atoms).toBe(instructions.atoms);
  expect((await walletCredit(world, wallet.account.address)) - before).toBe(BigInt(instructions.atoms) - 1n);
  expect(await untouched(proof)).toMatchObject({ status: 402, code: 'transfer_underpaid' });
  await expectBooksAsOnChain(world);
});

test('an expired reference leaves its transfer to the wallet', async () => {
  jest.useFakeTimers({ now: Date.now() - 3_700_000, doNotFake: [...ALL_BUT_DATE] });
  const instructions = await asked().finally(() => jest.useRealTimers());
  const before = await walletCredit(world, wallet.account.address);
  const proof = await paidByHand(wallet, instructions);

  expect(await refusalOf(proof)).toMatchObject({ status: 402, code: 'transfer_reference_expired' });
  expect((await walletCredit(world, wallet.account.address)) - before).toBe(BigInt(instructions.atoms));
});

test('what is more than was asked for stays the wallet’s', async () => {
  const payer = await payingWallet(world.chain, 10_000_000n);
  const instructions = await asked();
  const proof = await proofOf(payer, instructions, await transfer(payer, instructions, 5_000_000n));

  const paid = await show(proof);
  expect(paid.status).toBe(200);
  const cost = BigInt(Math.round(Number(paid.headers.get('x-tollbridge-cost')) * 1e6));
  expect(await walletCredit(world, payer.account.address)).toBe(5_000_000n - cost);
});

test('a transfer from before the reference is too old', async () => {
  const first = await asked();
  const transaction = await transfer(wallet, first, 5_000_000n);
  jest.useFakeTimers({ now: Date.now() + 60_000, doNotFake: [...ALL_BUT_DATE] });
  const instructions = await asked().finally(() => jest.useRealTimers());

  expect(await untouched(await proofOf(wallet, instructions, transaction))).toMatchObject({
    status: 402,
    code: 'transfer_too_old',
  });
  expect((await show(await proofOf(wallet, first, transaction))).status).toBe(200);
});

test('a transaction that the chain does not know is waited for, never refused', async () => {
  const proof = await proofOf(wallet, await asked(), `0x${'ab'.repeat(32)}`);
  const response = await show(proof);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('2');
  expect(await response.json()).toMatchObject({ code: 'transfer_not_found_yet' });
});

test('a chain that does not answer is waited for, never refused', async () => {
  const proof = await paidByHand(wallet, await asked());
  world.node.rule = allCut;
  const refusal = await untouched(proof).finally(() => (world.node.rule = allPass));
  expect(refusal).toMatchObject({ status: 503, code: 'chain_unavailable' });
  await untilOffered(world);
  expect((await show(proof)).status).toBe(200);
});

test('a reverted transaction, another payee and another asset are no transfer to us', async () => {
  const instructions = await asked();
  const data = encodeFunctionData({
    abi: parseAbi(['function transfer(address to, uint256 amount)']),
    args: [instructions.payTo, 10n ** 18n],
  });
  const hash = await wallet.sendTransaction({ to: instructions.asset, data, gas: 100_000n, chain: null });
  await wallet.waitForTransactionReceipt({ hash });
  expect(await untouched(await proofOf(wallet, instructions, hash))).toMatchObject({ code: 'transfer_reverted' });

  const elsewhere = await transfer(wallet, { ...instructions, payTo: stranger.account.address }, 5_000_000n);
  expect(await untouched(await proofOf(wallet, instructions, elsewhere))).toMatchObject({ code: 'transfer_foreign' });

  const coin = await wallet.sendTransaction({ to: instructions.payTo, value: 1n, chain: null });
  await wallet.waitForTransactionReceipt({ hash: coin });
  expect(await untouched(await proofOf(wallet, instructions, coin))).toMatchObject({ code: 'transfer_foreign' });
});

test('a contract wallet proves its transfer by EIP-1271', async () => {
  const { abi, bytecode } = readArtifact('ContractWallet');
  const deployed = await wallet.deployContract({ abi, bytecode, args: [wallet.account.address], chain: null });
  const { contractAddress } = await wallet.waitForTransactionReceipt({ hash: deployed });
  const contract = contractAddress as Hex;
  await mintUsdc(world.chain.rpcUrl, contract, 5_000_000n);
  await fundEth(world.chain.rpcUrl, contract, 10n ** 18n);
  const instructions = await asked();
  const transaction = await transferFrom(contract, instructions);

  const forged = await proofOf(stranger, instructions, transaction, contract);
  expect(await untouched(forged)).toMatchObject({ code: 'transfer_signature_invalid' });
  expect((await show(await proofOf(wallet, instructions, transaction, contract))).status).toBe(200);
  await expectBooksAsOnChain(world);
});

test('the transaction of an exact payment is no second payment', async () => {
  const payer = await payerWith(world.chain, 1_000_000n);
  const payment = await signPayment(payer, await askedFor(chat(world.url, undefined)));
  const paid = await chat(world.url, undefined, {}, inHeader(payment));
  expect(paid.status).toBe(200);
  const receipt = JSON.parse(Buffer.from(paid.headers.get('payment-response') ?? '', 'base64').toString());

  const signer = { account: payer, signMessage: ({ message }: { message: string }) => payer.signMessage({ message }) };
  const proof = await proofOf(signer as PayingWallet, await asked(OTHER), receipt.transaction);
  expect(await untouched(proof, OTHER)).toMatchObject({ status: 402, code: 'transfer_already_used' });
});

test('two transfers in one transaction pay for two requests, each once', async () => {
  const [first, second, third] = [await asked(), await asked(OTHER), await asked({ max_tokens: 7 })];
  const transaction = await twoTransfers(first);

  expect((await show(await proofOf(wallet, first, transaction))).status).toBe(200);
  expect((await show(await proofOf(wallet, second, transaction), OTHER)).status).toBe(200);
  expect(await untouched(await proofOf(wallet, third, transaction), { max_tokens: 7 })).toMatchObject({
    code: 'transfer_already_used',
  });
  await expectBooksAsOnChain(world);
});

/** By a contract that moves the payer's USDC twice. */
async function twoTransfers({ asset, payTo, atoms }: Instructions): Promise<Hex> {
  const abi = parseAbi([
    'function approve(address spender, uint256 amount) returns (bool)',
    'function transferFrom(address from, address to, uint256 amount) returns (bool)',
    'struct Call { address target; bytes callData; }',
    'function aggregate(Call[] calls) payable returns (uint256, bytes[])',
  ]);
  const spender = MULTICALL3;
  const approval = await wallet.writeContract({
    address: asset,
    abi,
    functionName: 'approve',
    args: [spender, 10n ** 12n],
    chain: null,
  });
  await wallet.waitForTransactionReceipt({ hash: approval });
  const callData = encodeFunctionData({
    abi,
    functionName: 'transferFrom',
    args: [wallet.account.address, payTo, BigInt(atoms)],
  });
  const call = { target: asset, callData };
  const hash = await wallet.writeContract({
    address: spender,
    abi,
    functionName: 'aggregate',
    args: [[call, call]],
    chain: null,
  });
  await wallet.waitForTransactionReceipt({ hash });
  return hash;
}

/** Sent by a contract itself, as its owner would make it do: the local chain lets anybody. */
async function transferFrom(contract: Hex, { asset, payTo, atoms }: Instructions): Promise<Hex> {
  const chain = createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) });
  await chain.impersonateAccount({ address: contract });
  const abi = parseAbi(['function transfer(address to, uint256 amount) returns (bool)']);
  const hash = await createWalletClient({ account: contract, transport: http(world.chain.rpcUrl) }).writeContract({
    address: asset,
    abi,
    functionName: 'transfer',
    args: [payTo, BigInt(atoms)],
    chain: null,
  });
  await wallet.waitForTransactionReceipt({ hash });
  return hash;
}
