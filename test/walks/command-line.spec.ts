import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, type Given, readCommandLine } from '../../src/cli/command';
import { createCustomer, listCustomers, showCustomer } from '../../src/cli/customers';
import { exportUsage } from '../../src/cli/export';
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

  it.each([
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
