import 'reflect-metadata';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Config } from '../../src/config/config';
import { DatabaseService } from '../../src/database/database.service';
import type { LedgerOperation } from '../../src/ledger/ledger-operation';
import { FlushClient } from '../../src/ledger/flush.client';
import { LedgerWriter } from '../../src/ledger/ledger-writer.service';
import type { RawVerdict } from '../../src/ledger/verdict';

/** Decides a batch, in one flush. */
export type Decide = (operations: readonly LedgerOperation[]) => Promise<readonly RawVerdict[]>;

/** A writer with a pool of its own, as a replica has it, without the rest of the application. */
export async function openWriter(
  databaseUrl: string,
  poolSize = 3,
): Promise<{ database: DatabaseService; writer: LedgerWriter; decide: Decide; stop: () => Promise<void> }> {
  const config = { production: false, database: { url: databaseUrl, poolSize } };
  const database = new DatabaseService(config as Config);
  await database.onModuleInit();
  const writer = new LedgerWriter(database);
  const client = new FlushClient(database);
  return {
    database,
    writer,
    // One flush: the writer itself would send holds and entries apart.
    decide: (operations) => client.send(operations),
    stop: () => database.onApplicationShutdown(),
  };
}

/** The same in an operating system's process of its own. */
export async function forkWriter(databaseUrl: string): Promise<{ decide: Decide; stop: () => Promise<void> }> {
  const child = fork(join(__dirname, 'ledger-process.cjs'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: databaseUrl },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const waiting = new Map<number, (verdicts: RawVerdict[]) => void>();
  await new Promise<void>((ready, reject) => {
    child.once('message', () => ready());
    child.once('exit', (code) => reject(new Error(`The writer's process ended (${code}).`)));
  });
  child.on('message', ({ n, verdicts }: { n: number; verdicts: RawVerdict[] }) => waiting.get(n)?.(verdicts));
  let sent = 0;
  return {
    decide: (operations) =>
      new Promise((resolve) => {
        waiting.set(++sent, resolve);
        child.send({ n: sent, operations });
      }),
    stop: () => {
      child.disconnect();
      return gone;
    },
  };
}
