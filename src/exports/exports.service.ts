import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import { Snapshot } from '../database/snapshot.client';
import { ExportsBusyError } from './export-error';
import { UsageExport, type UsageQuery } from './usage-export.client';

/** A reader that takes nothing for this long is gone: its snapshot would keep dead rows alive for everyone. */
const IDLE_SECONDS = 60;
const STATEMENT_SECONDS = 60;

/** Opens exports, a few at a time. */
@Injectable()
export class ExportsService {
  private open = 0;
  private readonly limit: number;

  constructor(
    private readonly database: DatabaseService,
    @Inject(CONFIG) config: Config,
  ) {
    this.limit = Math.max(1, Math.floor(config.database.poolSize / 4));
  }

  /** The caller closes it. @throws ExportsBusyError */
  async usage(query: UsageQuery): Promise<UsageExport> {
    if (this.open >= this.limit) throw new ExportsBusyError(this.open);
    this.open += 1;
    let counted = true;
    const done = (): void => {
      if (counted) this.open -= 1;
      counted = false;
    };
    try {
      const snapshot = await Snapshot.open(this.database, {
        statementSeconds: STATEMENT_SECONDS,
        idleSeconds: IDLE_SECONDS,
      });
      return await UsageExport.open(snapshot, query, done).catch(async (error: unknown) => {
        await snapshot.close();
        throw error;
      });
    } catch (error) {
      done();
      throw error;
    }
  }
}
