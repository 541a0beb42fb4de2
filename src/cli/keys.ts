import { type ApiKey, faultOf, type Scope, SCOPES } from '../customers/api-key';
import { ApiKeysService } from '../customers/api-keys.service';
import { withApplication } from './application-context';
import { type Command, type Given, UsageError } from './command';
import { JSON_OPTION, printJson, printLine, printRows } from './output';

const A_DAY_SECONDS = 86_400;

/** `tollbridge keys create` */
export const createKey: Command = {
  options: {
    customer: { value: 'ID', about: 'Whose key', required: true },
    name: { value: 'NAME', about: 'What it is for; "key" when left out' },
    scopes: { value: 'LIST', about: `Of ${SCOPES.join(', ')}; all when left out` },
    models: { value: 'LIST', about: 'Only these models; every model when left out' },
    expires: { value: 'DATE', about: 'When it stops working; never when left out' },
    json: JSON_OPTION,
  },
  run: async (given) => {
    const wanted = {
      name: given.text('name') ?? 'key',
      scopes: scopesIn(given),
      models: given.words('models') ?? null,
      expiresAt: given.instant('expires') ?? null,
    };
    await withApplication(async (app) =>
      printSecret(given, await app.get(ApiKeysService).create(given.required('customer'), wanted)),
    );
  },
};

/** `tollbridge keys list` */
export const listKeys: Command = {
  options: { customer: { value: 'ID', about: "Only this customer's" }, json: JSON_OPTION },
  run: (given) =>
    withApplication(async (app) => {
      const keys = await app.get(ApiKeysService).list(given.text('customer'));
      const now = new Date();
      const rows = keys.map((key) => [
        ...[key.id, key.customerId, key.name, key.hint, key.scopes, key.models ?? 'all'],
        ...[faultOf(key, now) ?? 'active', key.expiresAt],
      ]);
      printRows(given, ['ID', 'CUSTOMER', 'NAME', 'HINT', 'SCOPES', 'MODELS', 'STATE', 'EXPIRES'], rows, keys);
    }),
};

/** `tollbridge keys rotate` */
export const rotateKey: Command = {
  positionals: ['id'],
  options: { grace: { value: 'SECONDS', about: 'How long the old one works; a day when left out' }, json: JSON_OPTION },
  run: async (given) => {
    const grace = given.integer('grace', 0, 365 * A_DAY_SECONDS) ?? A_DAY_SECONDS;
    await withApplication(async (app) =>
      printSecret(given, await app.get(ApiKeysService).rotate(given.argument('id'), grace)),
    );
  },
};

/** `tollbridge keys revoke` */
export const revokeKey: Command = {
  positionals: ['id'],
  options: { json: JSON_OPTION },
  run: (given) =>
    withApplication(async (app) => {
      const key = await app.get(ApiKeysService).revoke(given.argument('id'));
      if (given.flag('json')) printJson(key);
      else printLine(`${key.id} was revoked at ${key.revokedAt?.toISOString()}.`);
    }),
};

function scopesIn(given: Given): readonly Scope[] {
  const words = given.words('scopes') ?? SCOPES;
  const wrong = words.find((word) => !SCOPES.includes(word as Scope));
  if (wrong !== undefined) throw new UsageError(`--scopes knows ${SCOPES.join(', ')}, not "${wrong}".`);
  return words as Scope[];
}

function printSecret(given: Given, { key, secret }: { key: ApiKey; secret: string }): void {
  if (given.flag('json')) printJson({ ...key, secret });
  else printLine(`${key.id}  ${key.name}\n${secret}\nKeep it now: it is not shown again.`);
}
