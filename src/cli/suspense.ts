import { formatMoney, type Money } from '../common/money';
import { toAttributionDto, toSuspendedTransferDto } from '../payments/chain-watch/attributions.dto';
import { Attributions, type Owner } from '../payments/chain-watch/attributions.service';
import { toAttributedPaymentDto, toSuspendedPaymentDto } from '../topups/suspense/suspended-payments.dto';
import { SuspendedPayments } from '../topups/suspense/suspended-payments.service';
import { withApplication } from './application-context';
import { type Command, type Given, UsageError } from './command';
import { JSON_OPTION, printJson, printLine, printRows } from './output';

/** `tollbridge suspense list` */
export const listSuspense: Command = {
  options: { limit: { value: 'N', about: 'At most so many of each kind; 100 when left out' }, json: JSON_OPTION },
  notes: ['Card payments that belong to no top-up, and transfers whose sender is not known; of each the oldest first.'],
  run: (given) =>
    withApplication(async (app) => {
      const limit = given.integer('limit', 1, 1000) ?? 100;
      const payments = await app.get(SuspendedPayments, { strict: false }).list(limit);
      const transfers = await app.get(Attributions, { strict: false }).suspended(limit);
      const rows = [
        ...payments.map((one) => [one.paymentIntentId, formatMoney(one.amount), one.amount.asset, null, one.paidAt]),
        ...transfers.map((one) => [one.ref, formatMoney(one.amount), one.amount.asset, one.from, one.minedAt]),
      ];
      const objects = [...payments.map(toSuspendedPaymentDto), ...transfers.map(toSuspendedTransferDto)];
      printRows(given, ['REF', 'AMOUNT', 'ASSET', 'FROM', 'SINCE'], rows, objects);
    }),
};

/** `tollbridge suspense attribute` */
export const attributeSuspense: Command = {
  positionals: ['ref'],
  options: {
    customer: { value: 'ID', about: 'Whose it is' },
    wallet: { value: 'ADDRESS', about: 'Whose it is; only of a transfer' },
    reason: { value: 'TEXT', about: 'For whoever reads the books later', required: true },
    json: JSON_OPTION,
  },
  notes: ["It becomes that customer's credit at once. Safe to repeat; what is somebody else's already stays so."],
  run: async (given) => {
    const [ref, reason, owner] = [given.argument('ref'), given.required('reason'), ownerIn(given)];
    // A transfer is named by its network, its transaction and its place in it.
    const isTransfer = ref.includes(':');
    if (!isTransfer && !('customerId' in owner)) throw new UsageError('Of a card payment name --customer.');
    await withApplication(async (app) => {
      if (isTransfer) {
        const attributed = await app.get(Attributions, { strict: false }).attribute(ref, owner, reason);
        report(given, ref, attributed, toAttributionDto(ref, attributed));
      } else if ('customerId' in owner) {
        const { customerId } = owner;
        const credited = await app.get(SuspendedPayments, { strict: false }).attribute(ref, customerId, reason);
        report(given, ref, { customerId, credited }, toAttributedPaymentDto(ref, customerId, credited));
      }
    });
  },
};

function ownerIn(given: Given): Owner {
  const [customerId, walletAddress] = [given.text('customer'), given.text('wallet')];
  if (customerId !== undefined && walletAddress === undefined) return { customerId };
  if (walletAddress === undefined || customerId !== undefined) {
    throw new UsageError('Name whose it is by one of --customer, --wallet.');
  }
  if (/^0x[0-9a-fA-F]{40}$/.test(walletAddress)) return { walletAddress };
  throw new UsageError(`--wallet is an address, 0x…, not "${walletAddress}".`);
}

function report(given: Given, ref: string, to: { customerId: string; credited: Money }, whole: object): void {
  if (given.flag('json')) printJson(whole);
  else printLine(`${ref} is of ${to.customerId} now: ${formatMoney(to.credited)} ${to.credited.asset}.`);
}
