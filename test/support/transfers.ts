import { createWalletClient, type Hex, http, parseAbi, type PrivateKeyAccount, publicActions } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { fundEth, type LocalChain, mintUsdc } from '../../src/local/chain';
import type { PaymentRequirements } from '../../src/payments/payment-scheme';
import { inHeader, rowsOf, signPayment } from './x402-world';

/** An item of `transfers` of a 402, as far as a payer needs it. */
export interface Instructions {
  readonly network: string;
  readonly asset: Hex;
  readonly payTo: Hex;
  readonly amount: string;
  readonly atoms: string;
  readonly reference: string;
  readonly eip681: string;
  readonly links: readonly { wallet: string; url: string }[];
}

/** What a payer shows of a transfer. */
export interface Proof {
  transaction: Hex;
  network: string;
  payer: Hex;
  reference: string;
  signature: Hex;
}

/** A wallet with USDC and with ETH for its own gas: it sends its transfers itself, with nothing but viem. */
export async function payingWallet({ rpcUrl }: LocalChain, atoms: bigint) {
  const account = privateKeyToAccount(generatePrivateKey());
  await mintUsdc(rpcUrl, account.address, atoms);
  await fundEth(rpcUrl, account.address, 10n ** 18n);
  return createWalletClient({ account, transport: http(rpcUrl), pollingInterval: 100 }).extend(publicActions);
}

export type PayingWallet = Awaited<ReturnType<typeof payingWallet>>;

/** The instructions of a 402 for this network; without one, for the first. */
export const instructionsOf = (body: unknown, network?: string): Instructions => {
  const { transfers } = body as { transfers: Instructions[] };
  return transfers.find((one) => network === undefined || one.network === network) as Instructions;
};

/** Sends the transfer and waits until it is mined. */
export async function transfer(
  wallet: PayingWallet,
  { asset, payTo }: Pick<Instructions, 'asset' | 'payTo'>,
  atoms: bigint,
): Promise<Hex> {
  const hash = await wallet.writeContract({
    address: asset,
    abi: parseAbi(['function transfer(address to, uint256 amount) returns (bool)']),
    functionName: 'transfer',
    args: [payTo, atoms],
    chain: null,
  });
  await wallet.waitForTransactionReceipt({ hash });
  return hash;
}

/** The proof of a transaction, as its text is told in a 402 (EIP-191). */
export async function proofOf(
  wallet: PayingWallet,
  { network, reference }: Pick<Instructions, 'network' | 'reference'>,
  transaction: Hex,
  payer: Hex = wallet.account.address,
): Promise<Proof> {
  const message = [
    'Tollbridge proof of payment',
    `network: ${network}`,
    `transaction: ${transaction}`,
    `payer: ${payer.toLowerCase()}`,
    `reference: ${reference}`,
  ].join('\n');
  return { transaction, network, payer, reference, signature: await wallet.signMessage({ message }) };
}

/** Exactly what is asked for, and its proof. */
export const paidByHand = async (wallet: PayingWallet, asked: Instructions): Promise<Proof> =>
  proofOf(wallet, asked, await transfer(wallet, asked, BigInt(asked.atoms)));

export const proofHeader = (proof: Proof): Record<string, string> => ({
  'proof-of-payment': Buffer.from(JSON.stringify(proof)).toString('base64'),
});

/** Tops up the wallet's own balance by one x402 `exact` payment, on the first network or this one. `amount` in USDC. */
export async function topUpWallet(
  world: { url: string },
  wallet: PrivateKeyAccount,
  amount: string,
  network?: string,
): Promise<void> {
  const request = (headers: Record<string, string> = {}) =>
    fetch(`${world.url}/v1/topups/usdc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ amount }),
    });
  const rows = await rowsOf(request());
  const required = rows.find((row) => network === undefined || row.network === network);
  const payment = await signPayment(wallet, required as PaymentRequirements);
  const response = await request(inHeader(payment));
  if (response.status !== 201) throw new Error(`not topped up: ${await response.text()}`);
}
