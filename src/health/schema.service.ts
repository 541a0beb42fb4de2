import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { bookRightsFault } from '../database/book-rights';
import { DatabaseService } from '../database/database.service';

/** PostgreSQL: the table is not there, or the application's role has not been given its rights. */
const NOT_MIGRATED = ['42P01', '42501'];

/** Compares the database with the migrations that this build brings. Only reads. */
@Injectable()
export class SchemaService {
  constructor(
    private readonly database: DatabaseService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Names of migrations that this build needs and the database has not had. Throws when it cannot be reached. */
  async pending(): Promise<string[]> {
    const needed = this.database.migrations.migrations.map((migration) => migration.name ?? migration.constructor.name);
    try {
      const rows = await this.database.query<{ name: string }>('SELECT name FROM migrations');
      const run = new Set(rows.map((row) => row.name));
      return needed.filter((name) => !run.has(name));
    } catch (error) {
      if (NOT_MIGRATED.includes(String((error as { code?: unknown }).code))) return needed;
      throw error;
    }
  }

  /** Whether calls must not come here because this process could alter the books: it started before its migrations. */
  async booksAreOpen(): Promise<boolean> {
    return this.config.production && (await bookRightsFault(this.database)) !== undefined;
  }
}
