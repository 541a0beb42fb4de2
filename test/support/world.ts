import { type Upstream, startUpstream } from '../../src/local/upstream/upstream-simulator';
import { usd } from '../../src/common/money';
import { prefixedId } from '../../src/common/id';
import { ApiKeysService } from '../../src/customers/api-keys.service';
import { CustomersService } from '../../src/customers/customers.service';
import { GrantsService } from '../../src/credits/grants.service';
import { DatabaseService } from '../../src/database/database.service';
import { topUpReceived } from '../../src/ledger/entries';
import type { Endpoint, Model } from '../../src/pricing/model';
import { PricingService } from '../../src/pricing/pricing.service';
import { startTestApp, type TestApp } from './app';

/** The application, an upstream behind it, models and prices: what a walk needs before its story begins. */
export interface World extends TestApp {
  readonly upstream: Upstream;
}

export async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const upstream = await startUpstream();
  const app = await startTestApp({ UPSTREAM_URL: upstream.url, ...env });
  await seedPrices(app);
  return {
    ...app,
    upstream,
    stop: async () => {
      await app.stop();
      await upstream.stop();
    },
  };
}

/** Real list prices of 2026, in nano-USD. */
export async function seedPrices({ app }: TestApp): Promise<void> {
  const pricing = app.get(PricingService);
  const chat: Endpoint[] = ['/v1/chat/completions'];
  const offers: [Model, Record<string, unknown>][] = [
    [
      model('gpt-4o-mini', chat, 16_384),
      {
        inputNanoPerMillion: 150_000_000n,
        cachedInputNanoPerMillion: 75_000_000n,
        outputNanoPerMillion: 600_000_000n,
      },
    ],
    [
      model('gpt-3.5-turbo-instruct', ['/v1/completions'], 4_096, 'cl100k_base'),
      { inputNanoPerMillion: 1_500_000_000n, outputNanoPerMillion: 2_000_000_000n },
    ],
    [model('text-embedding-3-small', ['/v1/embeddings'], 0, 'cl100k_base'), { inputNanoPerMillion: 20_000_000n }],
    [
      model('dall-e-3', ['/v1/images/generations'], 0),
      { perImageNano: { default: 40_000_000n, '1024x1024:hd': 80_000_000n } },
    ],
    [model('flat', chat, 1_000), { perRequestNano: 100_000_000n }],
  ];
  for (const [offer, rates] of offers) {
    await pricing.putModel(offer);
    await pricing.addPrice(offer.id, rates, new Date(0));
  }
}

/** A customer with a key and this much credit, in nano-USD. */
export async function customerWith(
  { app }: TestApp,
  atoms: bigint,
): Promise<{ customerId: string; key: string; keyId: string }> {
  const customer = await app.get(CustomersService).create('Acme');
  const { key, secret } = await app
    .get(ApiKeysService)
    .create(customer.id, { name: 'test', scopes: ['inference', 'billing'], models: null, expiresAt: null });
  if (atoms > 0n) await giveCredit({ app }, customer.id, atoms);
  return { customerId: customer.id, key: secret, keyId: key.id };
}

/** Credit as a paid top-up without a fee gives it. */
export async function giveCredit({ app }: Pick<TestApp, 'app'>, customerId: string, atoms: bigint): Promise<void> {
  const topUpId = prefixedId('top');
  const grants = app.get(GrantsService, { strict: false });
  const amount = usd(atoms);
  const entry = topUpReceived({ topUpId, customerId, gross: amount, fee: usd(0n), paymentIntentId: topUpId });
  const grant = { class: 'paid', origin: 'topup', originId: topUpId, amount } as const;
  await grants.prepare(customerId);
  await app.get(DatabaseService).transaction((tx) => grants.arrive(tx, entry, { customerId, grants: [grant] }));
}

export function chat(
  url: string,
  key: string | undefined,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
) {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      max_tokens: 50,
      messages: [{ role: 'user', content: 'Say something.' }],
      ...body,
    }),
  });
}

const model = (
  id: string,
  endpoints: Endpoint[],
  maxOutputTokens: number,
  encoding: Model['encoding'] = 'o200k_base',
): Model => ({
  id,
  endpoints,
  encoding,
  maxOutputTokens,
  usageConvention: 'openai',
  upstreamUrl: null,
  upstreamKeyEnv: null,
  upstreamModel: null,
  provider: 'upstream',
  answersAfterClaim: [],
});
