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

  /** What a payer's unfinished payments will take from its balance, in micro-USDC, but for those of the claim `key`. */
  async ofPayer(tx: Tx, network: string, payer: string, key = ''): Promise<bigint> {
    const exposed = await sum(tx, `network = $2 AND payer = $3 AND ${OPEN}`, [key, network, payer]);
    const [exact] = await tx.query<{ open: bigint }>(EXACT_IN_FLIGHT, [network, payer, key]);
    return exposed + (exact?.open ?? 0n);
  }

  /**
   * Whether one more claim is within its limit, until `tx` ends: locks let in one claim of a payer at a time, and with a
   * limit in total one of all payers, so that two that fit alone do not slip through together.
   */
  async bears(tx: Tx, key: string, { payer, network, exposure, most, total }: ExposureLimit): Promise<boolean> {
    await lock(tx, `exposure:${network}:${payer}`);
    if ((await this.ofPayer(tx, network, payer, key)) + exposure > most) return false;
    if (total === undefined) return true;
    await lock(tx, 'exposure');
    const [ofAll, owed] = [await sum(tx, OPEN, [key]), await this.receivables.owedInAll(tx, 'USDC')];
    return ofAll + owed + exposure <= total;
  }
}

/** Exact payments that are answered when they are settled cost us nothing, and still take from the same balance. */
const EXACT_IN_FLIGHT = `
  SELECT coalesce(sum((payment->'requirements'->>'amount')::numeric), 0)::bigint AS open FROM claims
   WHERE state IN ('working', 'settling', 'in_doubt') AND scheme = 'exact' AND exposure = 0 AND transaction IS NULL
     AND payment->'requirements'->>'network' = $1 AND payment->'payment'->'authorization'->>'from' = $2 AND key <> $3`;

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
