import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, type Given, readCommandLine } from '../../src/cli/command';
import { createCode, endCode, listCodes } from '../../src/cli/codes';
import { createCustomer, listCustomers, showCustomer } from '../../src/cli/customers';
import { exportUsage } from '../../src/cli/export';
import { giveGrant, listGrants, voidGrant } from '../../src/cli/grants';
import { createKey, listKeys, revokeKey, rotateKey } from '../../src/cli/keys';
import { verifyLedger } from '../../src/cli/ledger';
import { migrate } from '../../src/cli/migrate';
import { listModels, setModel } from '../../src/cli/models';
import { listPrices, setPrice } from '../../src/cli/prices';
import { type LocalPostgres, startTemporaryPostgres } from '../../src/local/postgres';
import { baseEnvironment } from '../support/app';

let postgres: LocalPostgres;
let directory: string;
const before = { ...process.env };

beforeAll(async () => {
  postgres = await startTemporaryPostgres();
  directory = mkdtempSync(join(tmpdir(), 'tollbridge-cli-'));
  Object.assign(process.env, baseEnvironment(postgres.url), { MIGRATION_DATABASE_URL: postgres.ownerUrl });
});
afterAll(async () => {
  process.env = before;
  rmSync(directory, { recursive: true, force: true });
  await postgres.stop();
});

/** Runs a command in this process. @returns what it printed. */
async function run(command: Command, ...args: string[]): Promise<string> {
  let output = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += text.toString();
    return true;
  });
  try {
    await command.run(readCommandLine('a command', command, args) as Given);
  } finally {
    write.mockRestore();
  }
  return output;
}
const runJson = async (command: Command, ...args: string[]): Promise<any> =>
  JSON.parse(await run(command, ...args, '--json'));

describe('the commands of an operator', () => {
  it('migrate, once', async () => {
    expect(await run(migrate)).toMatch(/^ran Partitions\d+\n/);
    expect(await run(migrate)).toBe('The database is up to date.\n');
  });

  it('make customers, and keys that are rotated and revoked', async () => {
    const { id } = await runJson(createCustomer, '--name', 'Acme', '--email', 'billing@acme.example');
    expect(await runJson(listCustomers)).toMatchObject([{ id, name: 'Acme', email: 'billing@acme.example' }]);
    const args = [
      '--customer',
      id,
      '--name',
      'ci',
      '--scopes',
      'inference',
      '--models',
      'a,b',
      '--expires',
      '2099-01-01',
    ];
    const key = await runJson(createKey, ...args);
    expect(key).toMatchObject({ scopes: ['inference'], models: ['a', 'b'], expiresAt: '2099-01-01T00:00:00.000Z' });
    expect(key.secret).toMatch(/^tb_/);

    const rotated = await runJson(rotateKey, key.id, '--grace', '60');
    expect(rotated.secret).not.toBe(key.secret);
    await run(revokeKey, rotated.id);
    const keys = await runJson(listKeys, '--customer', id);
    expect(keys.map((one: any) => [one.id, one.revokedAt === null])).toEqual([
      [key.id, true],
      [rotated.id, false],
    ]);
    expect(await run(listKeys)).not.toContain(key.secret);
    expect(await run(showCustomer, id)).toContain(rotated.id);
  });

  it('make models and prices, and change only what is named', async () => {
    await run(setModel, 'chatty', '--max-output-tokens', '1000', '--provider', 'own');
    await run(setModel, 'chatty', '--upstream-model', 'gpt-4o-mini', '--upstream-url', 'https://models.example/');
    expect(await runJson(listModels)).toMatchObject([
      {
        ...{ id: 'chatty', provider: 'own', maxOutputTokens: 1000, upstreamModel: 'gpt-4o-mini', priced: false },
        ...{ endpoints: ['/v1/chat/completions'], upstreamUrl: 'https://models.example' },
      },
    ]);
    await run(setPrice, 'chatty', '--input', '1', '--output', '2');
    await run(setPrice, 'chatty', '--output', '3', '--from', '2099-01-01');
    expect(await runJson(listPrices)).toMatchObject([{ modelId: 'chatty', version: 1 }]);
    expect(await runJson(listPrices, '--model', 'chatty')).toMatchObject([
      { version: 2, effectiveFrom: '2099-01-01T00:00:00.000Z', rates: { outputNanoPerMillion: '3000000000' } },
      { version: 1, rates: { inputNanoPerMillion: '1000000000', outputNanoPerMillion: '2000000000' } },
    ]);
  });

  it('give credit and take it back, and make codes for it', async () => {
    const { id: customer } = await runJson(createCustomer, '--name', 'Prepaid');
    const terms = ['--amount', '2.5', '--reason', 'A gift', '--key', 'ticket-1', '--expires', '2099-01-01'];
    const grant = await runJson(giveGrant, customer, ...terms);
    expect(grant).toMatchObject({ class: 'promo', left: '2.5', expiresAt: '2099-01-01T00:00:00.000Z' });
    expect(await run(giveGrant, customer, ...terms)).toBe(`${grant.id}  2.5 USD for ${customer}.\n`);
    expect(await runJson(listGrants, customer)).toMatchObject([{ id: grant.id, state: 'active' }]);
    expect(await run(voidGrant, grant.id, '--reason', 'A mistake')).toBe(`${grant.id} of ${customer} has ended.\n`);
    expect(await run(listGrants, customer)).toBe('None yet.\n');
    expect(await run(listGrants, customer, '--all')).toMatch(/ID +CLASS[^]+ voided +2.5 +0 /);

    const code = await runJson(createCode, 'Launch-2026', '--amount', '5', '--cap', '10', '--days', '90');
    expect(code).toMatchObject({ code: 'LAUNCH-2026', cap: 10, expiresDays: 90, redeemed: 0 });
    expect((await runJson(createCode, '--amount', '1', '--cap', '1')).code).toMatch(/^(\w{4}-){3}\w{4}$/);
    expect(await run(endCode, 'launch-2026')).toBe('LAUNCH-2026 has ended; 0 customers keep what it gave them.\n');
    const [newest, oldest, ...more] = await runJson(listCodes);
    expect([newest, oldest, more]).toMatchObject([{ cap: 1, endedAt: null }, { code: 'LAUNCH-2026' }, []]);
    expect(await runJson(listCodes, '--limit', '1')).toEqual([newest]);
    expect(await runJson(listCodes, '--before', newest.code.toLowerCase())).toEqual([oldest]);
    expect(await run(listCodes, '--before', 'LAUNCH-2026')).toBe('None yet.\n');
  });

  it.each([
    [giveGrant, ['cus_none', '--amount', '1', '--reason', 'x'], 'There is no customer "cus_none".'],
    [giveGrant, ['x', '--amount', '0', '--reason', 'x'], '--amount is a plain decimal above zero'],
    [giveGrant, ['x', '--amount', '1', '--reason', 'x', '--class', 'gold'], '--class is promo or paid, not "gold".'],
    [voidGrant, ['grt_none', '--reason', 'x'], 'There is no grant "grt_none".'],
    [createCode, ['short', '--amount', '1', '--cap', '1'], 'A code is 8 to 40'],
    [createCode, ['LAUNCH-2026', '--amount', '1', '--cap', '1'], 'There is such a code already.'],
    [endCode, ['NO-SUCH-CODE'], 'There is no promo code "NO-SUCH-CODE".'],
    [createKey, ['--customer', 'cus_none'], 'There is no customer "cus_none".'],
    [createKey, ['--customer', 'x', '--scopes', 'all'], '--scopes knows inference, billing, not "all".'],
    [revokeKey, ['key_none'], 'There is no key "key_none".'],
    [setPrice, ['none', '--input', '1'], 'There is no model "none".'],
    [setPrice, ['chatty'], 'Name at least one rate'],
    [setModel, ['m', '--endpoints', '/v1/chat'], '--endpoints knows'],
    [setModel, ['m', '--encoding', 'p50k'], '--encoding is'],
    [setModel, ['m', '--upstream-url', 'models'], '--upstream-url is a URL'],
    [exportUsage, ['--from', '2026-02-01', '--to', '2026-01-01'], 'is empty'],
  ])('refuse what is wrong (%#)', async (command, args, sentence) => {
    await expect(run(command, ...args)).rejects.toThrow(sentence);
  });

  it('export usage to a file that appears whole', async () => {
    const file = join(directory, 'usage.csv');
    await run(exportUsage, '--from', '2026-01-01', '--to', '2027-01-01', '--out', file);
    expect(readdirSync(directory)).toEqual(['usage.csv']);
    expect(readFileSync(file, 'utf8')).toMatch(/^usage_id,occurred_at,/);
  });

  it('prove the books', async () => {
    expect(await run(verifyLedger)).toContain('holds   The balances of all accounts add up to zero');
  });
});
