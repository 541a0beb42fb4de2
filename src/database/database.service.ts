import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Pool, PoolClient } from 'pg';
import type { DataSource } from 'typeorm';
import { CONFIG } from '../config/config.module';
import { type Config, ConfigurationError } from '../config/config';
import { codeOf, isConnectionLost } from '../common/outage';
import { bookRightsFault } from './book-rights';
import { createDataSource } from './data-source.config';
import { ReservedConnections } from './reserved-connections.client';
import type { Tx } from './tx';

/** Errors after which the same transaction may simply be run again (PostgreSQL, Appendix A). */
const RETRYABLE = new Set(['40001', '40P01', '55P03']);
/** A caller waits for it: a server that says nothing for so long is not there. */
const HOT_SILENCE_MS = 6_000;
/** Beside DATABASE_POOL_SIZE. */
const RESERVED = 3;

/** The only place that opens a transaction. */
@Injectable()
export class DatabaseService implements Tx, OnModuleInit, OnApplicationShutdown {
  private readonly dataSource: DataSource;
  /** For the ledger's flushes: exports, jobs and calls may take every other connection. */
  readonly reserved: ReservedConnections;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    this.dataSource = createDataSource(config.database.url, config.database.poolSize);
    this.reserved = new ReservedConnections(config.database.url, RESERVED);
  }

  /** @throws ConfigurationError in production, when this process could alter the books. */
  async onModuleInit(): Promise<void> {
    await this.dataSource.initialize();
    const fault = await bookRightsFault(this);
    if (!fault) return;
    if (!this.config.production) return new Logger('Database').warn(`${fault.variable} ${fault.should}`);
    await this.dataSource.destroy();
    throw new ConfigurationError([fault]);
  }

  async onApplicationShutdown(): Promise<void> {
    if (!this.dataSource.isInitialized) return;
    await this.dataSource.destroy();
    await this.reserved.close();
  }

  /** One statement in a transaction of its own. */
  async query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    const result = await this.pool.query(sql, [...parameters]);
    return result.rows as Row[];
  }

  /** One prepared statement by name: parsed and planned once per connection, for the hot path. */
  async prepared<Row>(name: string, sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    const statement = { name, text: sql, values: [...parameters], query_timeout: HOT_SILENCE_MS };
    const result = await this.pool.query(statement);
    return result.rows as Row[];
  }

  /**
   * Runs `work` in one transaction. Serialization failures and deadlocks run it again (it must have no other
   * effects), at most five times; everything else rolls back and is thrown.
   */
  async transaction<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      const client = await this.connect();
      let broken = false;
      try {
        return await runIn(client, work);
      } catch (error) {
        broken = isConnectionLost(error);
        if (attempt >= 5 || !RETRYABLE.has(codeOf(error))) throw error;
      } finally {
        client.release(broken);
      }
    }
  }

  /** A client of its own, for long reads with a cursor. The caller releases it. */
  async connect(): Promise<PoolClient> {
    const client = await this.pool.connect();
    // A backend that dies while nobody queries would otherwise end the process; whoever queries next gets the error.
    if (client.listenerCount('error') === 0) client.on('error', ignored);
    return client;
  }

  get migrations(): DataSource {
    return this.dataSource;
  }

  private get pool(): Pool {
    return (this.dataSource.driver as unknown as { master: Pool }).master;
  }
}

const ignored = (): void => undefined;

async function runIn<Result>(client: PoolClient, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  await client.query('BEGIN');
  try {
    const result = await work({
      query: async <Row>(sql: string, parameters: readonly unknown[] = []) =>
        (await client.query(sql, [...parameters])).rows as Row[],
    });
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // A silent connection would let us wait for this as well; it is dropped, and PostgreSQL rolls back by itself.
    if (!isConnectionLost(error)) await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
