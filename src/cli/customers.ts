import type { Customer } from '../customers/customer';
import { CustomersService } from '../customers/customers.service';
import { ApiKeysService } from '../customers/api-keys.service';
import { formatMoney, parseMoney } from '../common/money';
import { CreditLimits } from '../credits/credit-limits.service';
import { toCreditLimitDto } from '../credits/credit-limits.dto';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import { withApplication } from './application-context';
import type { Command } from './command';
import { JSON_OPTION, printJson, printLine, printRows, tableOf } from './output';

/** `tollbridge customers create` */
export const createCustomer: Command = {
  options: {
    name: { value: 'NAME', about: 'As on invoices', required: true },
    email: { value: 'ADDRESS', about: 'Where receipts go' },
    json: JSON_OPTION,
  },
  run: (given) =>
    withApplication(async (app) => {
      const customer = await app.get(CustomersService).create(given.required('name'), given.text('email') ?? null);
      if (given.flag('json')) printJson(customer);
      else
        printLine(`${customer.id}  ${customer.name}\nNow make a key: tollbridge keys create --customer ${customer.id}`);
    }),
};

/** `tollbridge customers list` */
export const listCustomers: Command = {
  options: {
    limit: { value: 'N', about: 'At most so many; 100 when left out' },
    before: { value: 'ID', about: 'The last id of the page before' },
    json: JSON_OPTION,
  },
  run: (given) =>
    withApplication(async (app) => {
      const limit = given.integer('limit', 1, 1000) ?? 100;
      const customers = await app.get(CustomersService).list(limit, given.text('before'));
      const rows = customers.map((one) => [one.id, one.kind, one.name, one.email, one.createdAt]);
      printRows(given, ['ID', 'KIND', 'NAME', 'EMAIL', 'CREATED'], rows, customers);
    }),
};

/** `tollbridge customers show` */
export const showCustomer: Command = {
  positionals: ['id'],
  options: { json: JSON_OPTION },
  run: (given) =>
    withApplication(async (app) => {
      const customer = await app.get(CustomersService).get(given.argument('id'));
      const accounts = await app.get(LedgerAccountsService).list(customer.id);
      const keys = await app.get(ApiKeysService).list(customer.id);
      const shown = accounts.map(({ code, posted, held, available, creditLimit }) => ({
        code,
        asset: posted.asset,
        posted: formatMoney(posted),
        held: formatMoney(held),
        available: formatMoney(available),
        creditLimit: formatMoney(creditLimit),
      }));
      if (given.flag('json')) {
        printJson({ ...customer, accounts: shown, keys });
        return;
      }
      printLine(tableOf([], describe(customer)));
      const money = shown.map((one) => [one.code, one.asset, one.posted, one.held, one.available, one.creditLimit]);
      printLine(money.length === 0 ? '\nNo money yet.' : `\n${tableOf(ACCOUNT_HEAD, money)}`);
      const secrets = keys.map((key) => [key.id, key.name, key.hint, key.revokedAt ? 'revoked' : 'active']);
      printLine(secrets.length === 0 ? '\nNo keys yet.' : `\n${tableOf(['KEY', 'NAME', 'HINT', 'STATE'], secrets)}`);
    }),
};

/** `tollbridge customers credit-limit` */
export const setCreditLimit: Command = {
  positionals: ['id'],
  options: {
    usd: { value: 'AMOUNT', about: 'How much it may owe, such as 250; 0: it pays in advance', required: true },
    json: JSON_OPTION,
  },
  run: (given) =>
    withApplication(async (app) => {
      const id = given.argument('id');
      const limit = parseMoney(given.required('usd'), 'USD');
      const { posted } = await app.get(CreditLimits, { strict: false }).set(id, limit);
      if (given.flag('json')) printJson(toCreditLimitDto(id, { limit, posted }));
      else printLine(`${id} may owe up to $${formatMoney(limit)}; its balance is $${formatMoney(posted)}.`);
    }),
};

const ACCOUNT_HEAD = ['LEDGER ACCOUNT', 'ASSET', 'POSTED', 'HELD', 'AVAILABLE', 'CREDIT LIMIT'];

const describe = (customer: Customer) => [
  ['id', customer.id],
  ['kind', customer.kind],
  ['name', customer.name],
  ['email', customer.email],
  ['wallet', customer.walletAddress],
  ['Stripe customer', customer.stripeCustomerId],
  ['created', customer.createdAt],
];
