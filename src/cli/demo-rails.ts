import { CreditBundleScheme } from '../payments-client/credit-bundle';
import type { PayerWallet, WalletRail } from '../local/payer';
import { CommandError } from './command';
import { DemoClient } from './demo-client';
import type { StackFile } from './stack-file';

/** A paid call as the demo shows it. */
export interface Shown {
  readonly title: string;
  /** The first words of the answer. */
  readonly words: string;
  /** In USD. */
  readonly cost: string;
  readonly balance: string | undefined;
  readonly transaction: string | undefined;
  readonly invoiceUrl: string;
}

const CHAT = '/v1/chat/completions';
const MODEL = 'gpt-4o-mini';
const FIRST_CHARACTERS = 60;
const TOP_UP_CENTS = 500;
/** In USDC. */
const WALLET_TOP_UP = '0.05';

/** Tops up $5 by card, then makes a plain and a streamed call with the key. */
export async function payWithCredit(stack: StackFile): Promise<{ topUp: string; calls: Shown[] }> {
  const client = new DemoClient(stack.url, stack.apiKey);
  const topUp = await topUpByCard(stack, client);
  const plain = await client.request('POST', CHAT, question('Why do invoices have numbers?'));
  const streamed = await client.request('POST', CHAT, {
    ...question('Count to five, slowly.'),
    ...{ stream: true, stream_options: { include_usage: true } },
  });
  return { topUp, calls: [await readPlain('call', plain), await readStream('streamed call', streamed)] };
}

/** The same call without a key, by a wallet in each way that there is: a 402, a signature, and the answer. */
export async function payInUsdc(stack: StackFile, wallet: PayerWallet): Promise<Shown[]> {
  const { payingFetch } = await import('../local/payer.js');
  const by = (rail: WalletRail) => new DemoClient(stack.url, undefined, payingFetch(wallet, rail));
  const calls: Shown[] = [];
  for (const { rail, title } of WALLET_RAILS) {
    // What a wallet draws from, it has paid in before.
    if (rail === 'wallet') await by('exact').request('POST', '/v1/topups/usdc', { amount: WALLET_TOP_UP });
    calls.push(await readPlain(title, await by(rail).request('POST', CHAT, question('What is a bridge toll?'))));
  }
  return calls;
}

const WALLET_RAILS: readonly { readonly rail: WalletRail; readonly title: string }[] = [
  { rail: 'exact', title: 'exact: the ceiling in one transfer, the rest is its credit' },
  { rail: 'upto', title: 'upto: a ceiling for Permit2, of which is taken what was used' },
  { rail: 'batch-settlement', title: 'batch-settlement: a voucher on a deposit, claimed later' },
  { rail: 'transfer-proof', title: 'a plain transfer, and its proof' },
  { rail: 'wallet', title: 'from the wallet’s balance, by SIGN-IN-WITH-X' },
];

/** The same from prepaid credit, by an x402 client: the authority holds a cent, signs, and takes what was used. */
export async function payByAttestation(stack: StackFile): Promise<Shown[]> {
  const { fetchPayingBy } = await import('../local/payer.js');
  const owner = await new DemoClient(stack.url, stack.apiKey).json<{ customerId: string }>('GET', '/v1/balance');
  const scheme = new CreditBundleScheme({
    bundleId: owner.customerId,
    apiKey: stack.apiKey,
    authorities: [stack.url],
  });
  const client = new DemoClient(stack.url, undefined, fetchPayingBy('tollbridge:credit', scheme));
  return [await readPlain('call', await client.request('POST', CHAT, question('Who signs an attestation?')))];
}

/** Each a request of its own: the same one again would get the answer that it has paid for already. */
const question = (content: string) => ({
  model: MODEL,
  max_tokens: 60,
  messages: [{ role: 'user', content }],
  user: crypto.randomUUID(),
});

async function topUpByCard(stack: StackFile, client: DemoClient): Promise<string> {
  const { id, url } = await client.json<TopUpView>('POST', '/v1/topups', { amountCents: TOP_UP_CENTS });
  if (stack.stripe === null) return `top-up of $5: pay it at ${url}`;
  const session = new URL(url ?? '').pathname.split('/').at(-1);
  await new DemoClient(stack.stripe.url).request('POST', `/_simulator/checkout/${session}/pay`, {});
  // Stripe's webhook brings the money; nobody is told when.
  const deadline = Date.now() + 15_000;
  for (;;) {
    const { state, paid } = await client.json<TopUpView>('GET', `/v1/topups/${id}`);
    if (state === 'paid') return `topped up $${paid} on the Checkout page, by card 4242…`;
    if (Date.now() > deadline) throw new CommandError(`The top-up ${id} was paid, but is still ${state} after 15 s.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function readPlain(title: string, response: Response): Promise<Shown> {
  const answer = (await response.json()) as { choices?: { message?: { content?: string } }[] };
  const { headers } = response;
  return {
    ...{ title, words: firstWords(answer.choices?.[0]?.message?.content ?? '') },
    cost: headers.get('x-tollbridge-cost') ?? '?',
    balance: headers.get('x-tollbridge-balance') ?? undefined,
    transaction: transactionIn(headers.get('payment-response')),
    invoiceUrl: invoiceUrlOf(response),
  };
}

/** What it cost comes with the last usage chunk: headers are sent before anybody knows. */
async function readStream(title: string, response: Response): Promise<Shown> {
  let words = '';
  let cost = '?';
  for (const line of (await response.text()).split('\n')) {
    if (!line.startsWith('data: {')) continue;
    const chunk = JSON.parse(line.slice('data: '.length)) as StreamChunk;
    words += chunk.choices?.[0]?.delta?.content ?? '';
    cost = chunk.usage?.cost ?? cost;
  }
  const invoiceUrl = invoiceUrlOf(response);
  return { title, words: firstWords(words), cost, balance: undefined, transaction: undefined, invoiceUrl };
}

/** Node's `fetch` knows where it asked; the header holds an id. */
function invoiceUrlOf(response: Response): string {
  const id = response.headers.get('x-tollbridge-invoice');
  if (id === null) throw new CommandError('The answer names no invoice (x-tollbridge-invoice).');
  return new URL(`/v1/invoices/${id}`, response.url).href;
}

/** The transaction in x402's `PAYMENT-RESPONSE`, base64 of JSON. */
function transactionIn(header: string | null): string | undefined {
  if (header === null) return undefined;
  // Empty where nothing moved on a chain.
  return (JSON.parse(Buffer.from(header, 'base64').toString()) as { transaction?: string }).transaction || undefined;
}

function firstWords(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ').trim();
  return flat.length <= FIRST_CHARACTERS ? flat : `${flat.slice(0, FIRST_CHARACTERS).replace(/ \S*$/, '')} …`;
}

interface TopUpView {
  readonly id: string;
  readonly state: string;
  readonly paid: string | null;
  readonly url: string | null;
}

interface StreamChunk {
  readonly choices?: { delta?: { content?: string } }[];
  readonly usage?: { cost?: string } | null;
}
