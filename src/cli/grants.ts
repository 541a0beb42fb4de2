import { formatMoney, parseMoney } from '../common/money';
import { GivenGrants } from '../credits/given-grants.service';
import { GrantHistory, type PastGrant } from '../credits/grant-history.service';
import { AMOUNT, toGrantDto, toGrantsAtDto } from '../credits/grants.dto';
import { CustomersService } from '../customers/customers.service';
import { withApplication } from './application-context';
import { type Command, type Given, UsageError } from './command';
import { JSON_OPTION, printJson, printLine, printRows } from './output';

/** `tollbridge grants give` */
export const giveGrant: Command = {
  positionals: ['customer'],
  options: {
    amount: { value: 'USD', about: 'How much, such as 25 or 2.50', required: true },
    reason: { value: 'TEXT', about: 'Why, for the record', required: true },
    class: { value: 'CLASS', about: 'promo, a gift, when left out; paid, a correction of what calls have cost' },
    priority: { value: 'N', about: 'Lower is used first; 40 for promo and 50 for paid when left out' },
    expires: { value: 'DATE', about: 'When it ends; never when left out' },
    models: { value: 'LIST', about: 'It pays for calls of these models only; for all when left out' },
    key: { value: 'TEXT', about: 'An Idempotency-Key: the same one gives once' },
    json: JSON_OPTION,
  },
  run: async (given) => {
    const wanted = {
      customerId: given.argument('customer'),
      class: classIn(given),
      amount: amountIn(given),
      priority: given.integer('priority', 0, 1000),
      expiresAt: given.instant('expires') ?? null,
      models: given.words('models') ?? null,
      reason: given.required('reason'),
    };
    await withApplication(async (app) => {
      const id = await app.get(GivenGrants, { strict: false }).give(wanted, given.text('key'));
      const grant = await app.get(GrantHistory, { strict: false }).one(wanted.customerId, id);
      if (given.flag('json')) printJson(toGrantDto(grant));
      else printLine(`${id}  ${formatMoney(grant.amount)} USD for ${wanted.customerId}.`);
    });
  },
};

/** `tollbridge grants list` */
export const listGrants: Command = {
  positionals: ['customer'],
  options: {
    at: { value: 'DATE', about: 'As it was then; now when left out' },
    all: { about: 'Also what is used up or has ended' },
    limit: { value: 'N', about: 'At most so many; 100 when left out' },
    before: { value: 'ID', about: 'The last id of the page before' },
    json: JSON_OPTION,
  },
  run: (given) =>
    withApplication(async (app) => {
      const { id } = await app.get(CustomersService, { strict: false }).get(given.argument('customer'));
      const limit = given.integer('limit', 1, 1000) ?? 100;
      const wanted = { at: given.instant('at'), all: given.flag('all'), limit, before: given.text('before') };
      const credit = await app.get(GrantHistory, { strict: false }).at(id, wanted);
      printRows(given, HEAD, credit.grants.map(rowOf), toGrantsAtDto(id, credit, limit).data);
    }),
};

/** `tollbridge grants void` */
export const voidGrant: Command = {
  positionals: ['id'],
  options: { reason: { value: 'TEXT', about: 'Why, for the record', required: true }, json: JSON_OPTION },
  notes: ['What calls in flight hold is theirs; what they give back of it expires.'],
  run: (given) =>
    withApplication(async (app) => {
      const id = given.argument('id');
      const customerId = await app.get(GivenGrants, { strict: false }).void(id, given.required('reason'));
      const grant = await app.get(GrantHistory, { strict: false }).one(customerId, id);
      if (given.flag('json')) printJson(toGrantDto(grant));
      else printLine(`${id} of ${customerId} has ended.`);
    }),
};

const HEAD = ['ID', 'CLASS', 'ORIGIN', 'STATE', 'AMOUNT', 'LEFT', 'FROZEN', 'PRIORITY', 'EXPIRES', 'CREATED'];

const rowOf = (grant: PastGrant) => [
  ...[grant.id, grant.class, grant.origin, grant.state],
  ...[formatMoney(grant.amount), formatMoney(grant.left), formatMoney(grant.frozen)],
  ...[grant.priority, grant.expiresAt, grant.createdAt],
];

function classIn(given: Given): 'paid' | 'promo' {
  const word = given.text('class') ?? 'promo';
  if (word === 'paid' || word === 'promo') return word;
  throw new UsageError(`--class is promo or paid, not "${word}".`);
}

/** `--amount`, above zero. @throws UsageError */
export function amountIn(given: Given) {
  const text = given.required('amount');
  if (AMOUNT.test(text)) return parseMoney(text, 'USD');
  throw new UsageError(`--amount is a plain decimal above zero, up to 10000000, such as 25, not "${text}".`);
}
