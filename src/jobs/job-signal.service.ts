import { Injectable, Logger } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { DatabaseService } from '../database/database.service';
import { JOBS_CHANNEL } from './job-store.service';

const RECONNECT_MS = 2_000;

/** Hears of new jobs in the moment of their commit. Without it they are found too, a few seconds later. */
@Injectable()
export class JobSignal {
  private readonly logger = new Logger('Jobs');
  private client: PoolClient | undefined;
  private retry: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly database: DatabaseService) {}

  /** Calls `wake` for every commit that leaves something to do, and after every gap in which one may be missed. */
  async listen(wake: () => void): Promise<void> {
    if (this.stopped) return;
    try {
      const client = await this.database.connect();
      if (this.stopped) return client.release(true);
      this.client = client;
      client.on('notification', wake);
      client.once('end', () => this.lost(client, wake));
      client.once('error', () => this.lost(client, wake));
      await client.query(`LISTEN ${JOBS_CHANNEL}`);
      wake();
    } catch (error) {
      if (this.client) this.lost(this.client, wake);
      else this.listenLater(wake);
      this.logger.warn(`jobs are found only every few seconds: ${String(error)}`);
    }
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.retry);
    this.client?.release(true);
    this.client = undefined;
  }

  private lost(client: PoolClient, wake: () => void): void {
    if (this.client !== client) return;
    this.client = undefined;
    client.release(true);
    this.listenLater(wake);
  }

  private listenLater(wake: () => void): void {
    if (!this.stopped) this.retry = setTimeout(() => void this.listen(wake), RECONNECT_MS).unref();
  }
}
