import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/tx';
import { ReceivablesService } from '../ledger/receivables.service';
import type { ExposureLimit } from './claim';

/** What is unfinished, and what it costs us if its payers do not pay. */
const OPEN = `state IN ('working', 'settling', 'in_doubt', 'promised') AND exposure > 0`;

/** What payers' unfinished claims may cost us: a sum over the claims themselves, so that nothing has to be kept in step. */
@Injectable()
export class Exposures {
  constructor(private readonly receivables: ReceivablesService) {}

  /**
   * Whether one more claim is within its limit, until `tx` ends: locks let in one claim of a payer at a time, and with a
   * limit in total one of all payers, so that two that fit alone do not slip through together.
   */
  async bears(tx: Tx, key: string, { payer, network, exposure, most, total }: ExposureLimit): Promise<boolean> {
    await lock(tx, `exposure:${network}:${payer}`);
    const ofPayer = await sum(tx, `network = $2 AND payer = $3 AND ${OPEN}`, [key, network, payer]);
    if (ofPayer + exposure > most) return false;
    if (total === undefined) return true;
    await lock(tx, 'exposure');
    const [ofAll, owed] = [await sum(tx, OPEN, [key]), await this.receivables.owedInAll(tx, 'USDC')];
    return ofAll + owed + exposure <= total;
  }
}

const lock = (tx: Tx, name: string): Promise<unknown> =>
  tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [name]);

/** Without the claim itself, which may be taken again. */
async function sum(tx: Tx, which: string, parameters: readonly unknown[]): Promise<bigint> {
  const [row] = await tx.query<{ open: bigint }>(
    `SELECT coalesce(sum(exposure), 0)::bigint AS open FROM claims WHERE key <> $1 AND ${which}`,
    [...parameters],
  );
  return row?.open ?? 0n;
}
