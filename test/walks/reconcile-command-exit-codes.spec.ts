import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Entry } from '../../src/cli/command';
import { listDiscrepancies, resolveDiscrepancy } from '../../src/cli/discrepancies';
import { reconcile } from '../../src/cli/reconcile';
import { RUN_LOCK } from '../../src/reconciliation/run-lock';
import { build } from '../support/build';
import { runCommand, type Said } from '../support/commands';
import { brokenInvariants } from '../support/invariants';
import { Operator } from '../support/reconciliation-world';
import { type PaybackWorld, startPaybackWorld } from '../support/payback-world';

/** Loaded as they are here: those of the product are loaded by the names of compiled files. */
const COMMANDS: readonly Entry[] = [
  { name: 'reconcile', summary: 'Compare', load: async () => reconcile },
  { name: 'discrepancies list', summary: 'List', load: async () => listDiscrepancies },
  { name: 'discrepancies resolve', summary: 'Settle', load: async () => resolveDiscrepancy },
];

/** `tollbridge reconcile`, for scripts that decide by its exit code. */
describe('the command reconcile', () => {
  let world: PaybackWorld;
  let directory: string;

  beforeAll(async () => {
    world = await startPaybackWorld({ JOBS_IN_PROCESS: 'false' });
    directory = mkdtempSync(join(tmpdir(), 'tollbridge-reconcile-'));
    await world.paid(10_000);
  });
  afterAll(async () => {
    if (directory) rmSync(directory, { recursive: true, force: true });
    await world?.stop();
  });

  const run = (...args: string[]): Promise<Said> => runCommand(COMMANDS, ...args);

  it('ends with 0 when everything matches, tells how far it is, and shows each balance', async () => {
    const page = join(directory, 'report.html');
    const { code, out, err } = await run('reconcile', '--page', page, '--page-link');
    expect(err).toMatch(/https:\/\/tollbridge\.example\/reconciliation\/\S+ shows the report until [\d: -]+ UTC/);
    expect([code, err.split('\n').filter((line) => /done|not configured/.test(line))]).toEqual([
      0,
      ['stripe: done, 0 found', 'chain: not configured', 'books: done, 0 found'],
    ]);
    expect(out).toMatch(/stripe +stripe:clearing +USD +96\.8 +96\.8 +0\n/);
    expect(out).toMatch(/books +NOT EXPLAINED +USD +0\n[^]*No open discrepancies\./);
    expect(readFileSync(page, 'utf8')).toMatch(/<h1>Reconciliation<\/h1>[^]*stripe:clearing/);
  });

  it('ends with 3 when something does not, in words and as JSON', async () => {
    await world.press('balance_transactions', { type: 'adjustment', amount: -150, description: 'by hand' });
    const words = await run('reconcile', '--side', 'stripe', '--from', '2026-01-01');
    expect([words.code, words.err.split('\n').at(-2)]).toEqual([
      3,
      '1 open discrepancy: tollbridge discrepancies resolve <id>.',
    ]);
    expect(words.out).toContain('transaction_unexplained');
    const json = await run('reconcile', '--json');
    expect([json.code, JSON.parse(json.out)]).toMatchObject([3, { verdict: 'open', open: [{ amount: '-1.5' }] }]);
  });

  it('gives its exit code to the shell, too', async () => {
    const compiled = build();
    const flags = ['--disable-warning=ExperimentalWarning', compiled.file('src/cli.js')];
    const args = [...flags, 'reconcile', '--csv', '--side', 'stripe'];
    // Not synchronously: the Stripe that it asks is in this process.
    const csv = await new Promise<{ code: number | null; out: string }>((resolve) => {
      const child = execFile(process.execPath, args, { cwd: directory, env: process.env }, (_, out) =>
        resolve({ code: child.exitCode, out }),
      );
    });
    compiled.remove();
    const rows = parse<Record<string, string>>(csv.out, { columns: true });
    expect([csv.code, rows.at(-1)]).toMatchObject([3, { name: 'transaction_unexplained', difference: '-1.5' }]);
  });

  it('ends with 1 when a side cannot be asked, and keeps what the others and earlier runs have found', async () => {
    await world.press('faults', { kind: '500_no_retry', path: '/v1/', times: 1000 });
    const { code, out, err } = await run('reconcile');
    await world.press('faults/clear');
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/stripe could not be reconciled: .*Injected by the simulator/),
    ]);
    expect(out).toMatch(/stripe could not be asked at [\d: -]+ UTC: what is shown is of [\d: -]+ UTC\./);
    expect(err).toContain('books: done, 0 found');
    expect(out).toContain('transaction_unexplained');
    const [newest] = (await new Operator(world.app).ask('/admin/reconciliation/runs?limit=1')).body.data;
    expect([newest.state, newest.outcomes.map(({ side, state }: any) => `${side} ${state}`)]).toEqual([
      'failed',
      ['stripe failed', 'chain skipped', 'books done'],
    ]);
  });

  it('ends with 1 while another run is on', async () => {
    const keeper = await world.database.connect();
    await keeper.query('SELECT pg_advisory_lock($1, $2)', [...RUN_LOCK]);
    const { code, err } = await run('reconcile');
    keeper.release(true);
    expect([code, err]).toEqual([1, expect.stringContaining('The books are being compared at this moment')]);
  });

  it('ends with 2 when it was not understood, and with 0 for its help', async () => {
    expect(await run('reconcile', '--side', 'bank')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--side knows stripe, chain, books, not "bank".'),
    });
    expect((await run('reconcile', '--csv', '--json')).code).toBe(2);
    expect(await run('reconcile', '--help')).toMatchObject({ code: 0, out: expect.stringContaining('Exit code 0') });
    expect((await run('discrepancies', 'resolve', 'dis_1', '--by', 'Ada', '--reason', 'So.')).err).toContain(
      'or --waive',
    );
  });

  it('ends with 0 again when what was left is waived with a reason', async () => {
    const [{ id }] = JSON.parse((await run('discrepancies', 'list', '--json')).out);
    const waiver = ['--by', 'Ada', '--reason', 'Too little to ask for.', '--waive'];
    expect(await run('discrepancies', 'resolve', id, ...waiver)).toMatchObject({ code: 0, out: `${id} is waived.\n` });
    const { code, out } = await run('reconcile', '--json');
    expect([code, JSON.parse(out)]).toMatchObject([
      0,
      { verdict: 'clean', open: [], waived: [{ id, resolution: { reason: 'Too little to ask for.', entryId: null } }] },
    ]);
    expect((await run('discrepancies', 'list', '--state', 'resolved')).out).toContain('Too little to ask for.');
    expect(await brokenInvariants((sql, parameters) => world.database.query(sql, parameters))).toEqual([]);
  });
});
