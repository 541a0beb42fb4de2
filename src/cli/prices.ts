import { type Price, serializeRates } from '../pricing/price';
import { PricingService } from '../pricing/pricing.service';
import { withApplication } from './application-context';
import type { Command } from './command';
import { JSON_OPTION, printJson, printLine, printRows } from './output';
import { RATE_OPTIONS, ratesIn, showRates } from './rates';

/** `tollbridge prices list` */
export const listPrices: Command = {
  options: { model: { value: 'ID', about: 'All versions of this model, newest first' }, json: JSON_OPTION },
  run: (given) =>
    withApplication(async (app) => {
      const pricing = app.get(PricingService);
      const model = given.text('model');
      const prices = model === undefined ? pricing.offered().map(({ price }) => price) : await pricing.history(model);
      const rows = prices.map((price) => [price.modelId, price.version, price.effectiveFrom, showRates(price.rates)]);
      printRows(given, ['MODEL', 'VERSION', 'SINCE', 'USD'], rows, prices.map(toJson));
    }),
};

/** `tollbridge prices set` */
export const setPrice: Command = {
  positionals: ['model'],
  options: {
    ...RATE_OPTIONS,
    from: { value: 'DATE', about: 'When it takes effect; now when left out' },
    json: JSON_OPTION,
  },
  notes: [
    'The new version replaces the old one as a whole: a rate that is left out is not charged, or follows another as',
    'said above. Calls that were quoted before keep their price.',
  ],
  run: async (given) => {
    const rates = ratesIn(given);
    const from = given.instant('from');
    await withApplication(async (app) => {
      const price = await app.get(PricingService).addPrice(given.argument('model'), rates, from);
      if (given.flag('json')) printJson(toJson(price));
      else printLine(`${price.modelId} version ${price.version}: ${showRates(price.rates)}`);
    });
  },
};

const toJson = (price: Price) => ({ ...price, rates: serializeRates(price.rates) });
