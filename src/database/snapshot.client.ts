import type { PoolClient } from 'pg';
import { SILENCE_MS } from './data-source.config';
import type { DatabaseService } from './database.service';
import type { Tx } from './tx';

export interface SnapshotOptions {
  /** One statement may take this long. */
  readonly statementSeconds: number;
  /** PostgreSQL drops the snapshot when its reader stalls for longer: it keeps dead rows alive everywhere. */
  readonly idleSeconds: number;
  /** Allows to write what nobody else shall see: it is rolled back with the snapshot. */
  readonly writable?: boolean;
}

/** The whole database as it is at one instant, on a connection of its own, for long reads. Must be closed. */
export class Snapshot implements Tx {
  private closing: Promise<void> | undefined;
  private broken = false;

  private constructor(
    private readonly client: PoolClient,
    private readonly patienceMs: number,
  ) {}

  static async open(database: DatabaseService, options: SnapshotOptions): Promise<Snapshot> {
    const client = await database.connect();
    const snapshot = new Snapshot(client, options.statementSeconds * 1000 + SILENCE_MS);
    // Without a listener a lost connection would end the process.
    client.on('error', snapshot.onError);
    try {
      await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ${options.writable ? '' : ', READ ONLY'}`);
      await client.query(
        `SELECT set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $2, true)`,
        [`${options.statementSeconds}s`, `${options.idleSeconds}s`],
      );
      return snapshot;
    } catch (error) {
      await snapshot.close();
      throw error;
    }
  }

  async query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    const statement = { text: sql, values: [...parameters], query_timeout: this.patienceMs };
    return (await this.client.query(statement)).rows as Row[];
  }

  /** Ends the transaction, with every cursor in it, and gives the connection back. Safe to repeat. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    try {
      if (!this.broken) await this.client.query('ROLLBACK');
    } catch {
      this.broken = true;
    } finally {
      this.client.off('error', this.onError);
      this.client.release(this.broken);
    }
  }

  private readonly onError = (): void => {
    this.broken = true;
  };
}
