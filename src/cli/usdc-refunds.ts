import { formatMoney, parseMoney } from '../common/money';
import type { UsdcRefund } from '../payments/usdc-refund';
import { UsdcRefundStore } from '../payments/usdc-refund-store.service';
import { toUsdcRefundDto } from '../payments/usdc-refunds.dto';
import { UsdcRefunds } from '../payments/usdc-refunds.service';
import { withApplication } from './application-context';
import { type Command, type Given, UsageError } from './command';
import { JSON_OPTION, printJson, printLine, printRows } from './output';

const SUBJECTS = { call: 'callId', 'top-up': 'topUpId', payment: 'paymentId' } as const;

/** `tollbridge refunds create-usdc` */
export const createUsdcRefund: Command = {
  options: {
    call: { value: 'ID', about: 'A call, by its x-request-id' },
    'top-up': { value: 'ID', about: 'A top-up in USDC, by the id in its answer' },
    payment: { value: 'ID', about: 'What is left of a whole payment: payment_id of the usage export' },
    to: { value: 'WHERE', about: "payer (on the chain) or balance (the wallet's)", required: true },
    amount: { value: 'USDC', about: 'All that may go back when left out' },
    network: { value: 'CAIP-2', about: "For a call that a wallet's balance paid" },
    reason: { value: 'TEXT', about: 'Why, for the record' },
    force: { about: 'Of a top-up of a USD balance, also what is used up: its customer owes it then' },
    json: JSON_OPTION,
  },
  notes: ['One of --call, --top-up and --payment. What is on its way when this ends, a running server finishes.'],
  run: async (given) => {
    const [to, amount] = [given.required('to'), given.text('amount')];
    if (to !== 'payer' && to !== 'balance') throw new UsageError(`--to knows payer, balance, not "${to}".`);
    const request = {
      ...subjectIn(given),
      to,
      amount: amount === undefined ? undefined : parseMoney(amount, 'USDC'),
      network: given.text('network'),
      reason: given.text('reason'),
      force: given.flag('force'),
    } as const;
    await withApplication(async (app) => {
      const refund = await app.get(UsdcRefunds, { strict: false }).create(request);
      if (given.flag('json')) printJson(toUsdcRefundDto(refund));
      else printLine(`${refund.id}  ${formatMoney(refund.amount)} USDC go back: ${refund.state}.`);
    });
  },
};

/** `tollbridge refunds list-usdc` */
export const listUsdcRefunds: Command = {
  options: {
    customer: { value: 'ID', about: "Only of this wallet's customer" },
    limit: { value: 'N', about: 'At most so many; 100 when left out' },
    before: { value: 'ID', about: 'The last id of the page before' },
    json: JSON_OPTION,
  },
  run: (given) =>
    withApplication(async (app) => {
      const filter = { customerId: given.text('customer') };
      const limit = given.integer('limit', 1, 1000) ?? 100;
      const refunds = await app.get(UsdcRefundStore, { strict: false }).list(filter, limit, given.text('before'));
      printRows(given, HEAD, refunds.map(rowOf), refunds.map(toUsdcRefundDto));
    }),
};

function subjectIn(given: Given): Readonly<Record<string, string>> {
  const named = Object.entries(SUBJECTS).flatMap(([option, field]) => {
    const id = given.text(option);
    return id === undefined ? [] : [[field, id]];
  });
  if (named.length !== 1) throw new UsageError('Name what to give back by one of --call, --top-up, --payment.');
  return Object.fromEntries(named) as Record<string, string>;
}

const HEAD = ['ID', 'STATE', 'SOURCE', 'OF', 'TO', 'USDC', 'OWED', 'TRANSACTION', 'CREATED'];

const rowOf = (refund: UsdcRefund) => [
  ...[refund.id, refund.state, refund.source, refund.callId ?? refund.paymentId, refund.destination],
  ...[formatMoney(refund.amount), formatMoney(refund.owed), refund.transaction, refund.createdAt],
];
