import { formatMoney } from '../common/money';
import { normalised, PROMO_CODE, type PromoCode } from '../credits/promo-codes/promo-code';
import { PromoCodes } from '../credits/promo-codes/promo-codes.service';
import { toPromoCodeDto } from '../credits/promo-codes/promo-codes.dto';
import { withApplication } from './application-context';
import { type Command, CommandError, type Given, UsageError } from './command';
import { amountIn } from './grants';
import { JSON_OPTION, printJson, printLine, printRows } from './output';

/** `tollbridge codes create` */
export const createCode: Command = {
  positionals: ['code?'],
  options: {
    amount: { value: 'USD', about: 'What each customer gets', required: true },
    cap: { value: 'N', about: 'How many customers may redeem it', required: true },
    until: { value: 'DATE', about: 'The last instant at which it may be redeemed; no end when left out' },
    days: { value: 'N', about: 'How long the credit lasts once it is redeemed; for ever when left out' },
    priority: { value: 'N', about: 'Lower is used first; 40 when left out' },
    models: { value: 'LIST', about: 'It pays for calls of these models only; for all when left out' },
    json: JSON_OPTION,
  },
  notes: ['Without a code of your own it makes one that nobody can guess.'],
  run: async (given) => {
    const wanted = {
      code: codeIn(given),
      amount: amountIn(given),
      cap: given.integer('cap', 1, 10_000_000) as number,
      validUntil: given.instant('until') ?? null,
      expiresDays: given.integer('days', 1, 3650) ?? null,
      priority: given.integer('priority', 0, 1000),
      models: given.words('models') ?? null,
    };
    await withApplication(async (app) => {
      const made = await app.get(PromoCodes, { strict: false }).create(wanted);
      if (!made) throw new CommandError('There is such a code already.');
      if (given.flag('json')) printJson(toPromoCodeDto(made));
      else printLine(`${made.code}  ${formatMoney(made.amount)} USD for each of ${made.cap} customers.`);
    });
  },
};

/** `tollbridge codes list` */
export const listCodes: Command = {
  options: {
    limit: { value: 'N', about: 'At most so many; 100 when left out' },
    before: { value: 'CODE', about: 'The last code of the page before' },
    json: JSON_OPTION,
  },
  run: (given) =>
    withApplication(async (app) => {
      const limit = given.integer('limit', 1, 1000) ?? 100;
      const before = given.text('before');
      const codes = await app
        .get(PromoCodes, { strict: false })
        .list(limit, before === undefined ? undefined : normalised(before));
      printRows(given, HEAD, codes.map(rowOf), codes.map(toPromoCodeDto));
    }),
};

/** `tollbridge codes end` */
export const endCode: Command = {
  positionals: ['code'],
  options: { json: JSON_OPTION },
  run: (given) =>
    withApplication(async (app) => {
      const code = await app.get(PromoCodes, { strict: false }).end(normalised(given.argument('code')));
      if (given.flag('json')) printJson(toPromoCodeDto(code));
      else printLine(`${code.code} has ended; ${code.redeemed} customers keep what it gave them.`);
    }),
};

const HEAD = ['CODE', 'AMOUNT', 'REDEEMED', 'CAP', 'UNTIL', 'DAYS', 'PRIORITY', 'CREATED', 'ENDED'];

const rowOf = (code: PromoCode) => [
  ...[code.code, formatMoney(code.amount), code.redeemed, code.cap],
  ...[code.validUntil, code.expiresDays, code.priority, code.createdAt, code.endedAt],
];

function codeIn(given: Given): string | undefined {
  const text = given.optionalArgument('code');
  if (text === undefined || PROMO_CODE.test(text)) return text && normalised(text);
  throw new UsageError('A code is 8 to 40 letters, digits and dashes.');
}
