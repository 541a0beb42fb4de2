import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';

/** Usage records of calls that move nothing on the ledger: all others are written with their entry. */
@Injectable()
export class UsageRecordsService {
  constructor(private readonly database: DatabaseService) {}

  /** Writes a row as `usageRow` makes it. A repeat changes nothing. */
  async record(row: Readonly<Record<string, unknown>>): Promise<void> {
    await this.database.query('SELECT record_usage($1)', [JSON.stringify(row)]);
  }
}
