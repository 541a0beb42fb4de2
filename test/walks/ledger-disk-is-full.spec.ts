import { join } from 'node:path';
import { Client } from 'pg';
import { newId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { DatabaseService } from '../../src/database/database.service';
import type { JournalEntry } from '../../src/ledger/journal-entry';
import { topUpReceived } from '../../src/ledger/entries';
import { customerCredits } from '../../src/ledger/ledger-account';
import { LedgerService } from '../../src/ledger/ledger.service';
import { startTemporaryPostgres } from '../../src/local/postgres';
import { startUpstream } from '../../src/local/upstream/upstream-simulator';
import { migrate, startAppOn } from '../support/app';
import { json } from '../support/calls';
import { brokenInvariants } from '../support/invariants';
import { asOwner } from '../support/owner';
import { canMount, mountDisk, type SmallDisk } from '../support/small-disk';
import { chat, customerWith, seedPrices, type World } from '../support/world';

const mountable = canMount();
if (!mountable)
  console.warn('SKIPPED: a full disk. This machine does not let us mount one (Linux and root are needed).');

/** The disk of the postings and the holds is full: nothing is half written, callers hear of it, and it ends with space. */
(mountable ? describe : describe.skip)('a disk that is full', () => {
  const stops: (() => Promise<void>)[] = [];
  let world: World;
  let disk: SmallDisk;

  beforeAll(async () => {
    const upstream = await startUpstream();
    stops.push(() => upstream.stop());
    const postgres = await startTemporaryPostgres();
    const small = mountDisk(8, join(postgres.dataDir, 'cluster'));
    // PostgreSQL has files open on it.
    stops.push(() => postgres.stop().then(() => small.remove()));
    disk = small;
    await migrate(postgres.ownerUrl, postgres.url);
    await moveTo(postgres.ownerUrl);
    const app = await startAppOn(postgres, { UPSTREAM_URL: upstream.url, JOBS_IN_PROCESS: 'false' });
    stops.push(() => app.stop());
    await seedPrices(app);
    world = { ...app, upstream };
  });
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  const moveTo = async (ownerUrl: string) => {
    const client = new Client({ connectionString: ownerUrl });
    await client.connect();
    await client.query(`CREATE TABLESPACE small LOCATION '${disk.path}'`);
    const parts = `SELECT relid::regclass::text AS name FROM pg_partition_tree('postings') WHERE isleaf`;
    const { rows } = await client.query<{ name: string }>(parts);
    await client.end();
    await asOwner(
      { ownerUrl },
      ...[...rows.map(({ name }) => name), 'holds'].map((table) => `ALTER TABLE ${table} SET TABLESPACE small`),
    );
  };
  const ask = (sql: string, parameters?: unknown[]) => world.app.get(DatabaseService).query<any>(sql, parameters);
  const topUp = (customerId: string, topUpId = newId()) =>
    topUpReceived({ topUpId, customerId, gross: usd(1_000n), fee: usd(1n), paymentIntentId: topUpId });
  /** Until nothing more goes in. Returns what was refused, and how. */
  const overflow = async <Item>(make: () => Item, send: (item: Item) => Promise<unknown>) => {
    for (let batch = 0; batch < 300; batch++) {
      const items = Array.from({ length: 100 }, make);
      const results = await Promise.allSettled(items.map(send));
      const refused = results.filter((result) => result.status === 'rejected');
      if (refused.length > 0) return { items: items.filter((_, n) => results[n]?.status === 'rejected'), refused };
    }
    throw new Error('The disk is still not full.');
  };

  it('refuses clearly, leaves nothing half, and goes on when there is space again', async () => {
    const ledger = world.app.get(LedgerService);
    const { customerId, key } = await customerWith(world, 10_000_000_000n);
    disk.fill();
    const account = customerCredits(customerId, 'USD');
    const later = new Date(Date.now() + 600_000);
    const posts = await overflow(
      () => topUp(customerId),
      (entry: JournalEntry) => ledger.post(entry),
    );
    const holds = await overflow(
      () => ({ id: newId(), account, amount: usd(1n) }),
      (hold) => ledger.hold(hold, later),
    );
    for (const { reason } of [...posts.refused, ...holds.refused]) {
      expect(reason).toMatchObject({ code: 'ledger_unavailable', status: 503, cause: { code: '53100' } });
    }
    const response = await chat(world.url, key);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect((await json(response)).code).toBe('ledger_unavailable');
    expect(await brokenInvariants(ask)).toEqual([]);

    disk.clear();
    const again = await Promise.all([
      ...posts.items.map((entry) => ledger.post(entry)),
      ...holds.items.map((hold) => ledger.hold(hold, later)),
    ]);
    expect(new Set(again.map(({ verdict }) => verdict))).toEqual(new Set(['posted', 'held']));
    expect((await chat(world.url, key)).status).toBe(200);
    expect(await brokenInvariants(ask)).toEqual([]);
  });
});
