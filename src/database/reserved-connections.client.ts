import { Pool } from 'pg';
import { isConnectionLost } from '../common/outage';

/*
 * Each limit is a little longer than the one inside it. A lock that is waited for longer than other writers ever keep
 * one is somebody's who sits on it; a server that says nothing for longer than it may take is not there.
 */
const LOCK_MS = 1_000;
const STATEMENT_MS = 5_000;
const SILENCE_MS = 6_000;
const CONNECT_MS = 3_000;

/**
 * Connections that nobody else can take, however busy the process is, and that never wait for long: for the statement
 * that everybody waits for. Opened when they are needed.
 */
export class ReservedConnections {
  private readonly pool: Pool;

  constructor(url: string, count: number) {
    this.pool = new Pool({
      connectionString: url,
      max: count,
      application_name: 'tollbridge ledger',
      lock_timeout: LOCK_MS,
      statement_timeout: STATEMENT_MS,
      query_timeout: SILENCE_MS,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
    });
    // A connection that dies would otherwise end the process; whoever queries gets the error all the same.
    this.pool.on('error', ignored).on('connect', (client) => client.on('error', ignored));
  }

  /** One prepared statement in a transaction of its own. A refusal leaves the connection as it was. */
  async prepared<Row>(name: string, sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    const client = await this.pool.connect();
    let broken = false;
    try {
      return (await client.query({ name, text: sql, values: [...parameters] })).rows as Row[];
    } catch (error) {
      broken = isConnectionLost(error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}

const ignored = (): void => undefined;
