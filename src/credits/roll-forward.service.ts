import { Injectable } from '@nestjs/common';
import type { Period } from '../common/period';
import { DatabaseService } from '../database/database.service';
import { inIndexOrder } from '../ledger/index-order';
import { CREDIT_AT, type CreditAtRow } from './left-at';
import { type MovedRow, rollForward, type RollForward } from './roll-forward';

/** What became of all customers' prepaid credit in a period. */
@Injectable()
export class RollForwardService {
  constructor(private readonly database: DatabaseService) {}

  /** By posting date. A period that is not over ends now. */
  of(wanted: Period): Promise<RollForward> {
    return inIndexOrder(this.database, async (tx) => {
      const [clock] = await tx.query<{ now: Date }>('SELECT clock_timestamp() AS now');
      const now = (clock as { now: Date }).now;
      const [from, to] = [wanted.from, wanted.to].map((edge) => (edge < now ? edge : now)) as [Date, Date];
      const [opening] = await tx.query<CreditAtRow>(CREDIT_AT, [from, null]);
      const [closing] = await tx.query<CreditAtRow>(CREDIT_AT, [to, null]);
      const moved = await tx.query<MovedRow>(MOVED, [from, to]);
      return rollForward({ from, to }, opening as CreditAtRow, moved, closing as CreditAtRow);
    });
  }
}

const MOVED = `
  SELECT class, what, sum(m.atoms)::bigint AS atoms
    FROM grant_movements m JOIN credit_grants g ON g.id = grant_id,
         LATERAL (SELECT CASE WHEN kind <> 'granted' THEN kind
                              WHEN origin IN ('topup', 'extra', 'usdc', 'suspense') THEN 'sold' ELSE kind END AS what) w
   WHERE at >= $1 AND at < $2 AND kind NOT IN ('frozen', 'thawed') GROUP BY class, what`;
