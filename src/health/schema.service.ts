import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';

/** PostgreSQL: the table is not there. */
const UNDEFINED_TABLE = '42P01';

/** Compares the database with the migrations that this build brings. Only reads. */
@Injectable()
export class SchemaService {
  constructor(private readonly database: DatabaseService) {}

  /** Names of migrations that this build needs and the database has not had. Throws when it cannot be reached. */
  async pending(): Promise<string[]> {
    const needed = this.database.migrations.migrations.map((migration) => migration.name ?? migration.constructor.name);
    try {
      const rows = await this.database.query<{ name: string }>('SELECT name FROM migrations');
      const run = new Set(rows.map((row) => row.name));
      return needed.filter((name) => !run.has(name));
    } catch (error) {
      if ((error as { code?: unknown }).code === UNDEFINED_TABLE) return needed;
      throw error;
    }
  }
}
