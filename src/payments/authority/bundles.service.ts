import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../../common/billing-error';
import { DatabaseService } from '../../database/database.service';

/** Bundles: a customer's prepaid credit as resource servers see it. */
@Injectable()
export class BundlesService {
  constructor(private readonly database: DatabaseService) {}

  /**
   * From now on nothing is signed for it; what was signed stays good, unless it is revoked. Safe to repeat: the first
   * instant stays. @throws NotFoundError `bundle_not_found`
   */
  freeze(id: string): Promise<Date | null> {
    return this.set(id, 'coalesce(credit_frozen_at, now())');
  }

  /** @throws NotFoundError `bundle_not_found` */
  unfreeze(id: string): Promise<Date | null> {
    return this.set(id, 'NULL');
  }

  private async set(id: string, value: string): Promise<Date | null> {
    const rows = await this.database.query<{ credit_frozen_at: Date | null }>(
      `UPDATE customers SET credit_frozen_at = ${value} WHERE id = $1 RETURNING credit_frozen_at`,
      [id],
    );
    if (!rows[0]) throw new NotFoundError({ what: 'bundle', id });
    return rows[0].credit_frozen_at;
  }
}
