import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigurationError, LOCAL_SECRETS } from './config';
import { readEnvironment } from './read-environment.dto';

const root = join(__dirname, '..', '..');
const good = {
  DATABASE_URL: 'postgres://tollbridge:hidden@db.example:5432/tollbridge',
  ADMIN_TOKEN: 'a-token-of-the-operator',
  API_KEY_PEPPER: 'a-pepper-of-at-least-thirty-two-characters',
  UPSTREAM_URL: 'http://upstream.example:8000/',
};
const x402 = {
  X402_NETWORK: 'eip155:8453',
  X402_PAY_TO: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  X402_ASSET: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
  EVM_RPC_URL: 'http://127.0.0.1:8545',
  EVM_PRIVATE_KEY: `0x${'1'.repeat(64)}`,
};

function faultsOf(env: Record<string, string | undefined>): ConfigurationError {
  try {
    readEnvironment(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('The environment was accepted.');
}
const named = (env: Record<string, string | undefined>) => faultsOf(env).faults.map(({ variable }) => variable);

describe('readEnvironment', () => {
  it('reads a small environment, with defaults, and freezes it', () => {
    const config = readEnvironment(good);
    expect(config).toMatchObject({
      production: false,
      http: { host: '127.0.0.1', port: 4020, shutdownGraceMs: 30_000 },
      upstream: { url: 'http://upstream.example:8000', timeoutMs: 600_000 },
      jobs: { inProcess: true, concurrency: 4, redisUrl: undefined },
      reconcileAtHour: 2,
    });
    expect(config.stripe).toBeUndefined();
    expect(config.x402).toBeUndefined();
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('takes a variable that is set to nothing as one that is not set', () => {
    expect(readEnvironment({ ...good, PORT: '', STRIPE_SECRET_KEY: '', X402_PAY_TO: '' }).http.port).toBe(4020);
    expect(named({ ...good, ADMIN_TOKEN: '' })).toEqual(['ADMIN_TOKEN']);
  });

  it('names everything that is missing at once', () => {
    expect(named({}).toSorted()).toEqual(['ADMIN_TOKEN', 'API_KEY_PEPPER', 'DATABASE_URL', 'UPSTREAM_URL']);
  });

  it.each([
    ['NODE_ENV', 'staging'],
    ['PORT', '70000'],
    ['RECONCILE_AT_HOUR', '24'],
    ['PORT', 'http'],
    ['PUBLIC_URL', 'not a url'],
    ['SHUTDOWN_GRACE_MS', 'soon'],
    ['SHUTDOWN_GRACE_MS', '-1'],
    ['DATABASE_URL', 'mysql://secret@host/db'],
    ['MIGRATION_DATABASE_URL', 'mysql://secret@host/db'],
    ['DATABASE_POOL_SIZE', '1'],
    ['DATABASE_POOL_SIZE', '501'],
    ['ADMIN_TOKEN', 'short-secret'],
    ['API_KEY_PEPPER', 'short-secret'],
    ['UPSTREAM_URL', 'upstream'],
    ['UPSTREAM_TIMEOUT_MS', '1.5'],
    ['HOLD_TTL_SECONDS', '0'],
    ['STRIPE_SECRET_KEY', 'pk_live_secret'],
    ['STRIPE_WEBHOOK_SECRET', 'hidden'],
    ['STRIPE_API_URL', 'secret'],
    ['TOPUP_MIN_CENTS', '49'],
    ['TOPUP_MAX_CENTS', '100000001'],
    ['TOPUP_TIERS', '25-1'],
    ['TOPUP_BONUS_DAYS', '0'],
    ['TOPUP_CURRENCIES', 'gbp'],
    ['TOPUP_CURRENCIES', 'usd,jpy:0.0066'],
    ['TOPUP_CURRENCIES', 'eur:1.08,eur:1.09'],
    ['STRIPE_TAX', 'perhaps'],
    ['AUTO_RELOAD_MAX_FAILURES', '0'],
    ['FRAUD_WARNING_ACTION', 'ignore'],
    ['X402_NETWORK', 'base'],
    ['X402_PAY_TO', '0x1234'],
    ['X402_ASSET', 'usdc'],
    ['X402_FACILITATOR_URL', 'hidden'],
    ['EVM_RPC_URL', 'ws://node.example/secret'],
    ['EVM_PRIVATE_KEY', `0x${'s'.repeat(64)}`],
    ['EVM_PRIVATE_KEY', `0x${'1'.repeat(64)},hidden`],
    ['EVM_RPC_URL', 'http://127.0.0.1:8545,hidden'],
    ['EVM_WS_URL', 'http://node.example/secret'],
    ['EVM_AUTHORIZER_KEY', 'hidden'],
    ['EVM_PAYOUT_KEY', 'hidden'],
    ['EVM_CONFIRMATIONS', '0'],
    ['CHAIN_LOG_RANGE', '0'],
    ['CHAIN_LOOK_BACK', 'far'],
    ['EVM_MAX_FEE_GWEI', 'cheap'],
    ['EVM_REPLACE_AFTER_SECONDS', '0'],
    ['EVM_GAS_ALARM_COINS', 'few'],
    ['EVM_OP_STACK', 'maybe'],
    ['EVM_GAS_USD_PER_COIN', '-1'],
    ['X402_NETWORKS_FILE', 'hidden'],
    ['X402_SCHEMES', 'cash'],
    ['X402_EXTENSIONS', 'everything'],
    ['X402_MIN_DEPOSIT_USDC', '-5'],
    ['X402_WITHDRAW_DELAY_SECONDS', '899'],
    ['X402_CLAIM_VALUE_TO_GAS', '0'],
    ['CREDIT_AUTHORITY_JWKS', 'hidden'],
    ['CREDIT_AUTHORITY_NETWORK', 'tollbridge:debit'],
    ['JOBS_IN_PROCESS', 'maybe'],
    ['JOBS_CONCURRENCY', '0'],
    ['JOBS_CONCURRENCY', '101'],
    ['REDIS_URL', 'http://hidden'],
  ])('refuses %s=%s by name, without its value', (variable, value) => {
    const error = faultsOf({ ...good, ...x402, STRIPE_WEBHOOK_SECRET: 'whsec_x', [variable]: value });
    expect(error.faults.map((fault) => fault.variable)).toEqual([variable]);
    expect(error.message).toContain(variable);
    expect(error.message.split(/[\s,:]+/)).not.toContain(value);
  });

  it('reads the terms of top-ups', () => {
    const { topUps } = readEnvironment({ ...good, TOPUP_TIERS: '25:1,100:10.5', TOPUP_CURRENCIES: 'usd,eur:1.08' });
    expect(topUps).toMatchObject({
      tiers: [
        { fromCents: 2500, bonusCents: 100 },
        { fromCents: 10_000, bonusCents: 1050 },
      ],
      currencies: [
        { code: 'usd', atomsPerMinor: 10_000_000n },
        { code: 'eur', atomsPerMinor: 10_800_000n },
      ],
      tax: false,
    });
    const usual = { tiers: [], currencies: [{ code: 'usd' }], fraudWarningAction: 'freeze' };
    expect(readEnvironment(good).topUps).toMatchObject(usual);
  });

  it('wants what belongs together', () => {
    expect(named({ ...good, STRIPE_SECRET_KEY: 'sk_test_1' })).toEqual(['STRIPE_WEBHOOK_SECRET']);
    expect(named({ ...good, X402_PAY_TO: x402.X402_PAY_TO }).toSorted()).toEqual(
      ['EVM_PRIVATE_KEY', 'EVM_RPC_URL', 'X402_ASSET', 'X402_NETWORK'].toSorted(),
    );
    const hosted = { ...good, ...x402, EVM_PRIVATE_KEY: undefined, X402_FACILITATOR_URL: 'https://x402.example' };
    expect(readEnvironment(hosted).x402?.networks).toMatchObject([
      { id: 'eip155:8453', privateKeys: [], facilitatorUrls: ['https://x402.example'] },
    ]);
  });

  it('reads further networks from a file, with secrets out of the environment, and names what is wrong in them', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'tollbridge-')), 'networks.json');
    const sepolia = {
      ...x402,
      X402_NETWORK: 'eip155:84532',
      EVM_PRIVATE_KEY: { env: 'SEPOLIA_KEY' },
      EVM_CONFIRMATIONS: 3,
    };
    const env = { ...good, ...x402, X402_NETWORKS_FILE: path, SEPOLIA_KEY: `0x${'2'.repeat(64)}` };
    writeFileSync(path, JSON.stringify([sepolia]));
    const read = readEnvironment(env).x402;
    expect(read?.networks).toMatchObject([
      { id: 'eip155:8453', confirmations: 1, privateKeys: [x402.EVM_PRIVATE_KEY] },
      { id: 'eip155:84532', confirmations: 3, privateKeys: [env.SEPOLIA_KEY] },
    ]);

    writeFileSync(path, JSON.stringify([sepolia, { ...sepolia, X402_ASSET: 'hidden', X402_PAY_TO: undefined }]));
    const error = faultsOf(env);
    expect(error.message).toContain('[1].X402_ASSET must be');
    expect(error.message).toContain('[1].X402_PAY_TO is missing');
    expect(error.message).not.toContain('hidden');
    writeFileSync(path, 'not JSON');
    expect(named(env)).toEqual(['X402_NETWORKS_FILE']);
    rmSync(dirname(path), { recursive: true });
  });

  it('refuses the published secrets of the local world in production, and wants PUBLIC_URL', () => {
    const secrets = { ADMIN_TOKEN: LOCAL_SECRETS.adminToken, API_KEY_PEPPER: LOCAL_SECRETS.apiKeyPepper };
    expect(named({ ...good, ...secrets, NODE_ENV: 'production' }).toSorted()).toEqual(
      ['ADMIN_TOKEN', 'API_KEY_PEPPER', 'PUBLIC_URL'].toSorted(),
    );
    expect(readEnvironment({ ...good, ...secrets }).production).toBe(false);
    const production = { ...good, NODE_ENV: 'production', PUBLIC_URL: 'https://api.example.com/' };
    expect(readEnvironment(production).http.publicUrl).toBe('https://api.example.com');
  });
});

describe('.env.example', () => {
  const source = ['environment.dto.ts', 'network-environment.dto.ts']
    .map((file) => readFileSync(join(root, 'src/config', file), 'utf8'))
    .join('\n');
  const variables = [...source.matchAll(/^ {2}([A-Z][A-Z0-9_]+)[!?:]/gm)].map((match) => match[1] as string);
  const example = readFileSync(join(root, '.env.example'), 'utf8');

  it('explains every variable, and no other', () => {
    expect(variables.length).toBeGreaterThan(20);
    const explained = [...example.matchAll(/(?:^|\n)# [^\n]+\n(?:# )?([A-Z][A-Z0-9_]+)=/g)].map((match) => match[1]);
    expect(new Set(explained)).toEqual(new Set(variables));
  });

  it('gives away no secret, and shows the defaults that are true', () => {
    const shown = [...example.matchAll(/^# ([A-Z][A-Z0-9_]+)=(.+)$/gm)].map((match) => [match[1], match[2]]);
    const withDefaults = readEnvironment({ ...good, ...x402, ...Object.fromEntries(shown) });
    expect(withDefaults).toEqual(readEnvironment({ ...good, ...x402 }));
    expect([...example.matchAll(/^[A-Z][A-Z0-9_]+=(.+)$/gm)]).toEqual([]);
  });
});
