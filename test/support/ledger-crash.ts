import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ask } from './invariants';
import type { LoadPlan, Told } from './ledger-load';

/** A process under load. */
export interface Load {
  /** Ends it without a goodbye. Resolves when it is gone. */
  kill9(): Promise<void>;
  /** Lets every caller finish what it is at. Resolves to its exit code. */
  finish(): Promise<number | null>;
}

export async function startLoad(plan: LoadPlan): Promise<Load> {
  const child: ChildProcess = fork(join(__dirname, 'ledger-load.cjs'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { PATH: process.env['PATH'] ?? '', PLAN: JSON.stringify(plan) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await new Promise<void>((running, reject) => {
    child.once('message', () => running());
    child.once('exit', (code) => reject(new Error(`The load ended (${code}) before it ran.`)));
  });
  return {
    kill9: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    finish: () => {
      child.send('finish');
      return gone;
    },
  };
}

/** Everything that callers were told. The last line of a killed process may be half there: nobody was told that. */
export function toldIn(file: string): Told[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Told];
    } catch {
      return [];
    }
  });
}

/** What callers were told and the books do not say. */
export async function missing(ask: Ask, told: readonly Told[]): Promise<string[]> {
  const rows = await ask(
    `SELECT format('%s %s: %s', op, t.id, verdict) AS what
       FROM jsonb_to_recordset($1::jsonb) AS t(op text, id text, verdict text, entry bigint)
       LEFT JOIN holds h ON h.id = CASE WHEN op IN ('hold', 'capture', 'release') THEN t.id::uuid END
       LEFT JOIN journal_keys k ON k.key = CASE WHEN op = 'post' THEN t.id END
      WHERE NOT CASE
        WHEN op = 'error' THEN true
        WHEN op = 'hold' THEN (h.id IS NOT NULL) = (verdict IN ('held', 'replayed'))
        WHEN op = 'capture' AND verdict IN ('posted', 'replayed') THEN (h.state = 'captured' AND h.entry_id = t.entry) IS TRUE
        WHEN op = 'release' AND verdict = 'released' THEN (h.state = 'released') IS TRUE
        WHEN op = 'post' THEN (k.entry_id = t.entry) IS TRUE OR verdict = 'insufficient'
        ELSE true END LIMIT 5`,
    [JSON.stringify(told)],
  );
  return rows.map(({ what }) => what);
}
