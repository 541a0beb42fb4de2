import type { INestApplicationContext } from '@nestjs/common';
import { parseMoney } from '../common/money';
import { SCOPES } from '../customers/api-key';
import { ApiKeysService } from '../customers/api-keys.service';
import { CustomersService } from '../customers/customers.service';
import type { Model } from '../pricing/model';
import type { Rates } from '../pricing/price';
import { PricingService } from '../pricing/pricing.service';
import { newModel } from './models';

const CUSTOMER = 'Acme';

/**
 * A customer with a key and no money, and models with list prices. Safe to repeat; what the operator changed stays.
 * @param knownKey The key of an earlier start, used as long as the database knows it.
 * @returns a key that works.
 */
export async function seed(app: INestApplicationContext, knownKey: string | undefined): Promise<string> {
  await seedModels(app.get(PricingService));
  const keys = app.get(ApiKeysService);
  if (knownKey !== undefined && typeof (await keys.authenticate(knownKey)) !== 'string') return knownKey;
  const customers = app.get(CustomersService);
  const known = (await customers.list(1000)).find(({ kind, name }) => kind === 'organisation' && name === CUSTOMER);
  const { id } = known ?? (await customers.create(CUSTOMER, 'billing@acme.example'));
  const key = { name: 'local development', scopes: SCOPES, models: null, expiresAt: null };
  return (await keys.create(id, key)).secret;
}

async function seedModels(pricing: PricingService): Promise<void> {
  const priced = new Set(pricing.offered().map(({ model }) => model.id));
  for (const { rates, ...model } of CATALOGUE) {
    if (priced.has(model.id)) continue;
    await pricing.putModel(model);
    await pricing.addPrice(model.id, rates);
  }
}

/** US dollars in nano-USD. */
const dollars = (text: string): bigint => parseMoney(text, 'USD').atoms;

/** The public list prices of OpenAI, per million tokens and per image. */
const CATALOGUE: readonly (Model & { rates: Rates })[] = [
  {
    ...newModel('gpt-4o-mini'),
    maxOutputTokens: 16_384,
    rates: {
      inputNanoPerMillion: dollars('0.15'),
      cachedInputNanoPerMillion: dollars('0.075'),
      outputNanoPerMillion: dollars('0.60'),
    },
  },
  {
    ...newModel('gpt-4o'),
    maxOutputTokens: 16_384,
    rates: {
      inputNanoPerMillion: dollars('2.50'),
      cachedInputNanoPerMillion: dollars('1.25'),
      outputNanoPerMillion: dollars('10'),
    },
  },
  {
    ...newModel('gpt-3.5-turbo-instruct'),
    endpoints: ['/v1/completions'],
    encoding: 'cl100k_base',
    rates: { inputNanoPerMillion: dollars('1.50'), outputNanoPerMillion: dollars('2') },
  },
  {
    ...newModel('text-embedding-3-small'),
    endpoints: ['/v1/embeddings'],
    encoding: 'cl100k_base',
    maxOutputTokens: 0,
    rates: { inputNanoPerMillion: dollars('0.02') },
  },
  {
    ...newModel('gpt-image-1'),
    endpoints: ['/v1/images/generations'],
    maxOutputTokens: 0,
    rates: { perImageNano: { default: dollars('0.04') } },
  },
];
