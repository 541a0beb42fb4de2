import { formatMoney, parseMoney } from '../common/money';
import { RECEIVABLE_ASSETS, type ReceivableAsset, WriteOffs } from '../ledger/write-offs.service';
import { withApplication } from './application-context';
import { type Command, UsageError } from './command';
import { JSON_OPTION, printJson, printLine } from './output';

/** `tollbridge receivables write-off` */
export const writeOff: Command = {
  positionals: ['customer'],
  options: {
    amount: { value: 'AMOUNT', about: 'All that is owed when left out' },
    asset: { value: 'ASSET', about: 'USD (when left out) or USDC' },
    reason: { value: 'TEXT', about: 'For whoever reads the books later', required: true },
    json: JSON_OPTION,
  },
  notes: ['Once nothing is owed any more, the customer can spend again.'],
  run: async (given) => {
    const asset = assetOf(given.text('asset') ?? 'USD');
    const amount = given.text('amount');
    const request = {
      customerId: given.argument('customer'),
      asset,
      amount: amount === undefined ? undefined : parseMoney(amount, asset),
      reason: given.required('reason'),
    };
    await withApplication(async (app) => {
      const { entryId, ...money } = await app.get(WriteOffs, { strict: false }).writeOff(request);
      const [writtenOff, owed] = [formatMoney(money.writtenOff), formatMoney(money.owed)];
      if (given.flag('json')) printJson({ entryId, asset, writtenOff, owed });
      else printLine(`${writtenOff} ${asset} are written off by entry ${entryId}; ${owed} are still owed.`);
    });
  },
};

function assetOf(text: string): ReceivableAsset {
  const asset = RECEIVABLE_ASSETS.find((code) => code === text);
  if (asset !== undefined) return asset;
  throw new UsageError(`--asset knows ${RECEIVABLE_ASSETS.join(', ')}, not "${text}".`);
}
