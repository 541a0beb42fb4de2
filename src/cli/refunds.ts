import { formatMoney } from '../common/money';
import type { Refund } from '../topups/refunds/refund';
import { RefundStore } from '../topups/refunds/refund-store.service';
import { toRefundDto } from '../topups/refunds/refunds.dto';
import { RefundsService } from '../topups/refunds/refunds.service';
import { withApplication } from './application-context';
import type { Command } from './command';
import { JSON_OPTION, printJson, printLine, printRows } from './output';

/** `tollbridge refunds create` */
export const createRefund: Command = {
  positionals: ['top-up'],
  options: {
    cents: { value: 'N', about: 'Smallest units of what was paid in; all that may go back when left out' },
    reason: { value: 'TEXT', about: 'Why, for the record' },
    force: { about: 'Also credit that is used up: the customer owes it then' },
    json: JSON_OPTION,
  },
  notes: ['The credit is gone at once. A running server (or worker) tells Stripe.'],
  run: (given) =>
    withApplication(async (app) => {
      const request = {
        amountCents: given.integer('cents', 1, 99_999_999),
        reason: given.text('reason'),
        force: given.flag('force'),
      };
      const refund = await app.get(RefundsService, { strict: false }).create(given.argument('top-up'), request);
      if (given.flag('json')) printJson(toRefundDto(refund));
      else
        printLine(
          `${refund.id}  ${formatMoney(refund.gross)} USD go back; the customer owes ${formatMoney(refund.owed)}.`,
        );
    }),
};

/** `tollbridge refunds list` */
export const listRefunds: Command = {
  options: {
    customer: { value: 'ID', about: 'Only of this customer' },
    limit: { value: 'N', about: 'At most so many; 100 when left out' },
    before: { value: 'ID', about: 'The last id of the page before' },
    json: JSON_OPTION,
  },
  run: (given) =>
    withApplication(async (app) => {
      const limit = given.integer('limit', 1, 1000) ?? 100;
      const store = app.get(RefundStore, { strict: false });
      const refunds = await store.list(given.text('customer'), limit, given.text('before'));
      printRows(given, HEAD, refunds.map(rowOf), refunds.map(toRefundDto));
    }),
};

const HEAD = ['ID', 'STATE', 'BY', 'TOP-UP', 'AMOUNT', 'OWED', 'CREATED', 'FINISHED'];

const rowOf = (refund: Refund) => [
  ...[refund.id, refund.state, refund.origin, refund.topUpId, formatMoney(refund.gross), formatMoney(refund.owed)],
  ...[refund.createdAt, refund.finishedAt],
];
