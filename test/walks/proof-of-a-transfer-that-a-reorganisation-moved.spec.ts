import { createTestClient, encodeFunctionData, erc20Abi, type Hex, http, multicall3Abi, parseGwei } from 'viem';
import { MULTICALL3 } from '../../src/evm/contracts';
import { customerCredits } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { Attributions } from '../../src/payments/chain-watch/attributions.service';
import { ChainCursors } from '../../src/payments/chain-watch/chain-cursors.service';
import { TransferBooks } from '../../src/payments/transfer-proof/transfer-books.service';
import { expectAllMatched, reconcileChain, TRANSFER_ABI, twoHoursPass } from '../support/chain-watch';
import {
  type Instructions,
  instructionsOf,
  payingWallet,
  type PayingWallet,
  proofHeader,
  proofOf,
} from '../support/transfers';
import { chat, customerWith } from '../support/world';
import { sql, startX402World, walletCredit, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => world?.stop());

const ask = (content: string, headers: Record<string, string> = { 'wallet-provider': 'viem' }) =>
  chat(world.url, undefined, { messages: [{ role: 'user', content }] }, headers);

/** A transfer that can be mined again. `tip`: who gives more stands first in a block. */
async function signed(wallet: PayingWallet, { asset, atoms }: Instructions, payTo: Hex, tip: string): Promise<Hex> {
  const data = encodeFunctionData({ abi: TRANSFER_ABI, args: [payTo, BigInt(atoms)] });
  const fees = { maxPriorityFeePerGas: parseGwei(tip), maxFeePerGas: parseGwei(`${tip}0`) };
  const request = await wallet.prepareTransactionRequest({ to: asset, data, chain: null, ...fees });
  return wallet.signTransaction({ ...request, chain: null });
}

/** Two transfers of the payer's in one transaction. */
async function signedTwo(wallet: PayingWallet, { asset, payTo }: Instructions, atoms: readonly bigint[]): Promise<Hex> {
  const { abi, functionName } = { abi: erc20Abi, functionName: 'approve' } as const;
  const hash = await wallet.writeContract({
    ...{ address: asset, abi, functionName, args: [MULTICALL3, 10n ** 9n], chain: null },
  });
  await wallet.waitForTransactionReceipt({ hash });
  const calls = atoms.map((amount) => ({
    target: asset,
    allowFailure: false,
    callData: encodeFunctionData({
      ...{ abi: erc20Abi, functionName: 'transferFrom', args: [wallet.account.address, payTo, amount] },
    }),
  }));
  const data = encodeFunctionData({ abi: multicall3Abi, functionName: 'aggregate3', args: [calls] });
  const fees = { maxPriorityFeePerGas: parseGwei('1'), maxFeePerGas: parseGwei('10') };
  const request = await wallet.prepareTransactionRequest({ to: MULTICALL3, data, chain: null, ...fees });
  return wallet.signTransaction({ ...request, chain: null });
}

/**
 * A transfer for the request with this content, and how a reorganisation mines it again with another one before it.
 * `before`: what the payer transfers in the same transaction before that.
 */
async function transferFor(content: string, before?: bigint) {
  const chain = createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) });
  const [other, wallet] = [await payingWallet(world.chain, 1_000_000n), await payingWallet(world.chain, 1_000_000n)];
  const asked = instructionsOf(await (await ask(content)).json());
  const first = await signed(other, asked, other.account.address, '9');
  const own =
    before === undefined
      ? await signed(wallet, asked, asked.payTo, '1')
      : await signedTwo(wallet, asked, [before, BigInt(asked.atoms)]);
  const hash = await wallet.sendRawTransaction({ serializedTransaction: own });
  await wallet.waitForTransactionReceipt({ hash });
  const prove = async (instructions = asked) => proofHeader(await proofOf(wallet, instructions, hash));
  const moveIt = async () => {
    const { blockNumber } = await wallet.getTransactionReceipt({ hash });
    const depth = Number((await wallet.getBlockNumber({ cacheTime: 0 })) - blockNumber) + 1;
    const again = [first, own].map((transaction) => [transaction, 0]);
    await chain.request({ method: 'anvil_reorg', params: [depth, again] } as never);
    expect((await wallet.getTransactionReceipt({ hash })).logs[0]).toMatchObject({ logIndex: 1 });
  };
  return { prove, moveIt, payer: wallet.account.address, atoms: BigInt(asked.atoms) };
}

const answerTo = async (content: string, proof: Record<string, string>) => {
  const answer = await ask(content, proof);
  return [answer.status, ((await answer.json()) as { code?: string }).code, answer.headers.get('retry-after')];
};

test('a transfer that was given away stays so while it is read again, and afterwards', async () => {
  const { prove, moveIt, payer, atoms } = await transferFor('one');
  await reconcileChain(world);
  await twoHoursPass(world);
  await reconcileChain(world);
  const { customerId } = await customerWith(world, 0n);
  const attributions = world.app.get(Attributions);
  const [{ ref } = { ref: '' }] = await attributions.suspended(1);
  await attributions.attribute(ref, { customerId }, 'said so');
  await moveIt();

  // The node goes away when the reading has gone back and nothing is read again yet.
  jest.spyOn(world.app.get(ChainCursors), 'keep').mockRejectedValueOnce(new Error('the node is away'));
  await expect(reconcileChain(world)).rejects.toThrow('the node is away');
  expect(await sql(world, 'SELECT FROM chain_transfers')).toEqual([]);
  expect(await answerTo('one', await prove())).toEqual([503, 'transfer_being_read', '30']);
  expect(await sql(world, 'SELECT FROM claims')).toEqual([]);

  // Also when it was found free before the reading went back.
  const books = world.app.get(TransferBooks);
  const standings = books.standings.bind(books);
  jest.spyOn(books, 'standings').mockImplementationOnce(async (...given) => {
    const found = await standings(...given);
    return found.map((one) => ({ ...one, standing: 'unread' as const }));
  });
  expect(await answerTo('one', await prove())).toEqual([503, 'transfer_being_read', '30']);
  expect(await sql(world, 'SELECT state FROM claims')).toEqual([{ state: 'released' }]);

  expectAllMatched(await reconcileChain(world));
  expect(await answerTo('one', await prove())).toEqual([402, 'transfer_attributed', null]);
  expect(await walletCredit(world, payer)).toBe(0n);
  const { posted } = await world.app.get(LedgerAccountsService).balance(customerCredits(customerId, 'USD'));
  expect(posted.atoms).toBe(atoms * 1000n);
});

test('a transfer that has paid for a request pays for no other one under its new log', async () => {
  const { prove, moveIt, payer } = await transferFor('two');
  const first = await ask('two', await prove());
  expect(first.status).toBe(200);
  const answer = await first.json();
  const credit = await walletCredit(world, payer);
  await reconcileChain(world);
  await moveIt();
  const other = await prove(instructionsOf(await (await ask('three')).json()));
  expect(await answerTo('three', other)).toEqual([402, 'transfer_already_used', null]);
  const again = await ask('two', await prove());
  expect([again.status, await again.json()]).toEqual([200, answer]);
  expect(await walletCredit(world, payer)).toBe(credit);
  expectAllMatched(await reconcileChain(world));
});

test('two requests that read the chain on either side of the reorganisation share no transfer', async () => {
  const { prove, moveIt, payer } = await transferFor('before');
  const paid = await ask('before', await prove());
  const answer = await paid.json();
  const credit = await walletCredit(world, payer);
  await moveIt();
  // It looks for claims when the first one is not there yet.
  const books = world.app.get(TransferBooks);
  const standings = books.standings.bind(books);
  jest
    .spyOn(books, 'standings')
    .mockImplementationOnce(async (proof, payTo, transfers) =>
      (await standings({ ...proof, payer: '0x' }, payTo, transfers)).map((one) => ({ ...one, claim: undefined })),
    );
  const late = await prove(instructionsOf(await (await ask('behind')).json()));
  for (const _ of ['once', 'again'])
    expect(await answerTo('behind', late)).toEqual([402, 'transfer_already_used', null]);
  expect(await walletCredit(world, payer)).toBe(credit);
  expect(await (await ask('before', await prove())).json()).toEqual(answer);
  expectAllMatched(await reconcileChain(world));
});

test('the other transfer of its transaction still pays for a request, under the log that the first one had', async () => {
  const small = BigInt(instructionsOf(await (await ask('small')).json()).atoms);
  const { prove, moveIt, payer, atoms } = await transferFor('large '.repeat(200), small);
  expect(atoms).toBeGreaterThan(small);
  expect((await ask('large '.repeat(200), await prove())).status).toBe(200);
  await reconcileChain(world);
  await moveIt();
  const other = await prove(instructionsOf(await (await ask('small')).json()));
  const paid = await ask('small', other);
  expect(paid.status).toBe(200);
  const answer = await paid.json();
  const credit = await walletCredit(world, payer);
  expect(await (await ask('small', other)).json()).toEqual(answer);
  const third = await prove(instructionsOf(await (await ask('third')).json()));
  expect(await answerTo('third', third)).toEqual([402, 'transfer_already_used', null]);
  expect(await walletCredit(world, payer)).toBe(credit);
  expectAllMatched(await reconcileChain(world));
});
