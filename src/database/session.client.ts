import type { PoolClient } from 'pg';
import type { DatabaseService } from './database.service';
import type { Tx } from './tx';

/**
 * A connection of its own whose every statement is a transaction, for work that takes long and must not keep old rows
 * alive: session locks, temporary tables, statements that may take their time. Must be closed.
 */
export class Session implements Tx {
  private closed = false;

  private constructor(private readonly client: PoolClient) {}

  static async open(database: DatabaseService, options: { statementSeconds: number }): Promise<Session> {
    const session = new Session(await database.connect());
    try {
      await session.query(`SELECT set_config('statement_timeout', $1, false)`, [`${options.statementSeconds}s`]);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  async query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return (await this.client.query(sql, [...parameters])).rows as Row[];
  }

  /** Ends the connection: whatever the session was given goes with it. Safe to repeat. */
  close(): void {
    if (!this.closed) this.client.release(true);
    this.closed = true;
  }
}
