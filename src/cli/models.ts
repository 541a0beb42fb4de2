import { DatabaseService } from '../database/database.service';
import { ENDPOINTS, type Endpoint, type Model } from '../pricing/model';
import { PricingService } from '../pricing/pricing.service';
import { withApplication } from './application-context';
import { type Command, type Given, UsageError } from './command';
import { JSON_OPTION, printJson, printLine, printRows } from './output';

const ENCODINGS = ['o200k_base', 'cl100k_base'] as const satisfies readonly Model['encoding'][];
const CONVENTIONS = ['openai', 'anthropic'] as const satisfies readonly Model['usageConvention'][];

/** `tollbridge models list` */
export const listModels: Command = {
  options: { json: JSON_OPTION },
  run: (given) =>
    withApplication(async (app) => {
      const offered = new Set(
        app
          .get(PricingService)
          .offered()
          .map(({ model }) => model.id),
      );
      const models = await readModels(app.get(DatabaseService));
      const rows = models.map((model) => [
        ...[model.id, model.endpoints, model.provider, model.upstreamModel ?? model.id],
        ...[model.upstreamUrl ?? 'UPSTREAM_URL', model.maxOutputTokens, offered.has(model.id) ? 'yes' : 'no'],
      ]);
      const objects = models.map((model) => ({ ...model, priced: offered.has(model.id) }));
      printRows(
        given,
        ['ID', 'ENDPOINTS', 'PROVIDER', 'UPSTREAM MODEL', 'UPSTREAM', 'MAX OUT', 'PRICE'],
        rows,
        objects,
      );
    }),
};

/** `tollbridge models set` */
export const setModel: Command = {
  positionals: ['id'],
  options: {
    endpoints: { value: 'LIST', about: `Of ${ENDPOINTS.join(', ')}` },
    encoding: { value: 'NAME', about: `How its tokens are counted: ${ENCODINGS.join(' or ')}` },
    'max-output-tokens': { value: 'N', about: 'Reserved when a caller names no maximum; at most so many are' },
    convention: { value: 'NAME', about: `How its provider reports usage: ${CONVENTIONS.join(' or ')}` },
    'upstream-url': { value: 'URL', about: 'Its own server; UPSTREAM_URL when left out' },
    'upstream-key-env': { value: 'NAME', about: 'The variable that holds the key of that server' },
    'upstream-model': { value: 'ID', about: 'What that server calls it' },
    provider: { value: 'NAME', about: 'Who runs it, for reports' },
    'answers-after-claim': { value: 'LIST', about: 'Endpoints that answer before an x402 payment is settled, or none' },
    json: JSON_OPTION,
  },
  notes: ['What is left out stays as it is. A model is offered once it has a price: tollbridge prices set.'],
  run: async (given) => {
    const changes = changesIn(given);
    await withApplication(async (app) => {
      const id = given.argument('id');
      const existing = (await readModels(app.get(DatabaseService))).find((model) => model.id === id);
      const model: Model = { ...(existing ?? newModel(id)), ...changes };
      await app.get(PricingService).putModel(model);
      if (given.flag('json')) printJson(model);
      else printLine(`${id} ${existing ? 'changed' : 'made'}: ${model.endpoints.join(', ')}`);
    });
  },
};

/** A chat model on the default upstream. */
export const newModel = (id: string): Model => ({
  id,
  endpoints: ['/v1/chat/completions'],
  encoding: 'o200k_base',
  maxOutputTokens: 4096,
  usageConvention: 'openai',
  upstreamUrl: null,
  upstreamKeyEnv: null,
  upstreamModel: null,
  provider: 'upstream',
  answersAfterClaim: [],
});

function changesIn(given: Given): Partial<Model> {
  const changes: Record<string, unknown> = {
    endpoints: endpointsIn(given, 'endpoints'),
    encoding: oneOf(given, 'encoding', ENCODINGS),
    maxOutputTokens: given.integer('max-output-tokens', 0, 10_000_000),
    usageConvention: oneOf(given, 'convention', CONVENTIONS),
    upstreamUrl: urlIn(given, 'upstream-url'),
    upstreamKeyEnv: given.text('upstream-key-env'),
    upstreamModel: given.text('upstream-model'),
    provider: given.text('provider'),
    answersAfterClaim: given.text('answers-after-claim') === 'none' ? [] : endpointsIn(given, 'answers-after-claim'),
  };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

function endpointsIn(given: Given, option: string): readonly Endpoint[] | undefined {
  const words = given.words(option);
  const wrong = words?.find((word) => !ENDPOINTS.includes(word as Endpoint));
  if (wrong !== undefined) throw new UsageError(`--${option} knows ${ENDPOINTS.join(', ')}, not "${wrong}".`);
  return words as Endpoint[] | undefined;
}

function oneOf<Word extends string>(given: Given, option: string, words: readonly Word[]): Word | undefined {
  const text = given.text(option);
  if (text === undefined || words.includes(text as Word)) return text as Word | undefined;
  throw new UsageError(`--${option} is ${words.join(' or ')}, not "${text}".`);
}

function urlIn(given: Given, option: string): string | undefined {
  const text = given.text(option);
  if (text === undefined || /^https?:\/\/\S+$/.test(text)) return text?.replace(/\/$/, '');
  throw new UsageError(`--${option} is a URL such as https://api.example.com, not "${text}".`);
}

/** Models without a price too, which the price book of a server leaves out. */
async function readModels(database: DatabaseService): Promise<Model[]> {
  return database.query<Model>(
    `SELECT id, endpoints, encoding, max_output_tokens AS "maxOutputTokens", usage_convention AS "usageConvention",
            upstream_url AS "upstreamUrl", upstream_key_env AS "upstreamKeyEnv", upstream_model AS "upstreamModel", provider,
            answers_after_claim AS "answersAfterClaim"
       FROM models ORDER BY id`,
  );
}
