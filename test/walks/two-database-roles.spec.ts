import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { migrateUp } from '../../src/cli/migrate';
import { type LocalPostgres, startTemporaryPostgres } from '../../src/local/postgres';
import { startAppOn, type TestApp } from '../support/app';

const PRODUCTION = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://tollbridge.example',
  ADMIN_TOKEN: 'an-admin-token-of-production',
  API_KEY_PEPPER: 'a-pepper-of-production-a-pepper-of-production',
  JOBS_IN_PROCESS: 'false',
};

let postgres: LocalPostgres;
let count = 0;

beforeAll(async () => {
  postgres = await startTemporaryPostgres();
});
afterAll(() => postgres.stop());

async function sql(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: statement, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}
const asAdministrator = (statement: string) => sql(postgres.ownerUrl, statement);

/** A database as an administrator hands it over: an owner who is no superuser, and a name for the application's role. */
async function database(ownerMay = '') {
  const name = `place_${++count}`;
  const urlOf = (user: string) => {
    const url = new URL(postgres.ownerUrl);
    Object.assign(url, { username: user, password: `of_${user}`, pathname: `/${name}` });
    return url.href;
  };
  const [owner, application] = [`${name}_owner`, `${name}_app`];
  await asAdministrator(`CREATE ROLE ${owner} LOGIN ${ownerMay} PASSWORD 'of_${owner}'`);
  await asAdministrator(`CREATE DATABASE ${name} OWNER ${owner}`);
  return { owner, application, ownerUrl: urlOf(owner), url: urlOf(application), urlOf };
}
const makeRole = (name: string) => asAdministrator(`CREATE ROLE ${name} LOGIN PASSWORD 'of_${name}'`);

/** Starts in production and ends again. @returns why it did not, if so. */
async function refusal(url: string): Promise<string | undefined> {
  let app: TestApp;
  try {
    app = await startAppOn({ url }, PRODUCTION);
  } catch (error) {
    return (error as Error).message;
  }
  await app.stop();
  return undefined;
}

describe('tollbridge migrate', () => {
  it('says which role is missing and how to make it, before it changes anything', async () => {
    const place = await database();
    await expect(migrateUp(place.ownerUrl, place.url)).rejects.toThrow(
      [
        `DATABASE_URL names the role ${place.application}, which does not exist, and ${place.owner} may not make it.`,
        'Have it made by an administrator of the database, then migrate again:',
        `  CREATE ROLE ${place.application} LOGIN PASSWORD '…';`,
      ].join('\n'),
    );
    expect(await sql(place.ownerUrl, `SELECT to_regclass('migrations')`)).toEqual([null]);
    await makeRole(place.application);
    expect((await migrateUp(place.ownerUrl, place.url)).length).toBeGreaterThan(5);
    expect(await refusal(place.url)).toBeUndefined();
  });

  it('makes the role where it may, with the password of DATABASE_URL', async () => {
    const place = await database('CREATEROLE');
    await migrateUp(place.ownerUrl, place.url);
    expect(await sql(place.url, 'SELECT current_user')).toEqual([place.application]);
    expect(await refusal(place.url)).toBeUndefined();
  });

  it('gives another role the same rights when DATABASE_URL names another', async () => {
    const place = await database('CREATEROLE');
    await migrateUp(place.ownerUrl, place.url);
    const next = place.urlOf(`${place.application}_2`);
    expect(await migrateUp(place.ownerUrl, next)).toEqual([]);
    expect(await refusal(next)).toBeUndefined();
    expect(await refusal(place.url)).toBeUndefined();
  });

  it('takes names that SQL must quote, and passwords that a URL must escape', async () => {
    const place = await database('CREATEROLE');
    const url = new URL(place.url);
    Object.assign(url, { username: 'Of "Tollbridge"; --', password: `p@ss/'w"ö:rd` });
    await migrateUp(place.ownerUrl, url.href);
    expect(await sql(url.href, 'SELECT current_user')).toEqual(['Of "Tollbridge"; --']);
    expect(await refusal(url.href)).toBeUndefined();
  });

  it('is not run by one role today and by another tomorrow', async () => {
    const place = await database('CREATEROLE');
    await migrateUp(place.ownerUrl, place.url);
    const administrator = new URL(place.ownerUrl);
    const { username, password } = new URL(postgres.ownerUrl);
    Object.assign(administrator, { username, password });
    await expect(migrateUp(administrator.href, place.url)).rejects.toThrow(`The tables belong to ${place.owner}`);
  });
});

describe('production', () => {
  it('does not start as the owner of the books, and says what to do', async () => {
    const place = await database();
    await migrateUp(place.ownerUrl);
    expect(await refusal(place.ownerUrl)).toBe(
      [
        'The configuration is not complete:',
        `  DATABASE_URL should name a role that cannot alter the books, but ${place.owner} owns the tables, or belongs to ` +
          "the role that does. Put the owner's URL into MIGRATION_DATABASE_URL, the URL of a role of its own into " +
          'DATABASE_URL, and run tollbridge migrate.',
        'See .env.example for every variable.',
      ].join('\n'),
    );
  });

  it.each([
    ['ALTER ROLE $app SUPERUSER', 'is a superuser'],
    ['ALTER ROLE $app CREATEROLE', 'may make roles'],
    ['GRANT $owner TO $app', 'owns the tables, or belongs to the role that does'],
    ['GRANT pg_write_all_data TO $app', 'may write to budget_counters by itself'],
    ['GRANT INSERT ON postings TO $app', 'may write to postings by itself'],
    ['GRANT UPDATE (credits_posted) ON ledger_accounts TO PUBLIC', 'may write to ledger_accounts by itself'],
    ['GRANT TRIGGER ON invoices TO $app', 'may write to invoices by itself'],
    ['GRANT CREATE ON SCHEMA public TO $app', 'may make functions in the schema public'],
  ])('does not start after %s', async (statement, way) => {
    const place = await database();
    await makeRole(place.application);
    await migrateUp(place.ownerUrl, place.url);
    expect(await refusal(place.url)).toBeUndefined();
    const administrator = new URL(postgres.ownerUrl);
    administrator.pathname = new URL(place.url).pathname;
    await sql(administrator.href, statement.replace('$app', place.application).replace('$owner', place.owner));
    expect(await refusal(place.url)).toContain(`but ${place.application} ${way}`);
  });

  it('takes no calls when it started before its migrations and they made it the owner', async () => {
    const place = await database();
    const app = await startAppOn({ url: place.ownerUrl }, PRODUCTION);
    const problem = async () => {
      const ready = await fetch(`${app.url}/health/ready`);
      return [ready.status, ((await ready.json()) as { problems: { code: string }[] }).problems[0]?.code];
    };
    expect(await problem()).toEqual([503, 'migrations_pending']);
    await migrateUp(place.ownerUrl);
    expect(await problem()).toEqual([503, 'books_unprotected']);
    await app.stop();
  });

  it('waits for the rights of a role that has none yet', async () => {
    const place = await database();
    await makeRole(place.application);
    await migrateUp(place.ownerUrl);
    const app = await startAppOn({ url: place.url }, PRODUCTION);
    const ready = async () => (await fetch(`${app.url}/health/ready`)).status;
    expect(await ready()).toBe(503);
    await migrateUp(place.ownerUrl, place.url);
    expect(await ready()).toBe(200);
    await app.stop();
  });
});

it('elsewhere a process that could alter the books says so, once', async () => {
  const place = await database();
  await migrateUp(place.ownerUrl);
  const warnings: string[] = [];
  const silent = () => undefined;
  const warn = (message: string, context: string) => context === 'Database' && warnings.push(message);
  Logger.overrideLogger({ log: silent, error: silent, warn });
  process.env['TEST_LOG'] = 'the logger stays as it is';
  try {
    const app = await startAppOn({ url: place.ownerUrl });
    await app.stop();
  } finally {
    delete process.env['TEST_LOG'];
    Logger.overrideLogger(false);
  }
  const sentence = `DATABASE_URL should name a role that cannot alter the books, but ${place.owner} owns the tables`;
  expect(warnings).toEqual([expect.stringContaining(sentence)]);
});
