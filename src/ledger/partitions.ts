import type { Tx } from '../database/tx';

/** The monthly parts of a table, oldest first: `ensure_partitions` names them by their month. */
export async function partitionsOf(tx: Tx, table: string): Promise<string[]> {
  const rows = await tx.query<{ name: string }>(
    'SELECT relid::regclass::text AS name FROM pg_partition_tree($1::regclass) WHERE isleaf ORDER BY name',
    [table],
  );
  return rows.map(({ name }) => name);
}

/** Rows of one part, and the time between its first and its last, exact to the microsecond; `null` when it is empty. */
export interface Extent {
  readonly rows: number;
  readonly first: string;
  readonly last: string;
}

export async function extentOf(tx: Tx, partition: string, timeColumn: string): Promise<Extent | null> {
  const [extent] = await tx.query<{ rows: bigint; first: string | null; last: string | null }>(
    `SELECT count(*) AS rows, min(${timeColumn})::text AS first, max(${timeColumn})::text AS last FROM ${partition}`,
  );
  if (!extent || extent.first === null || extent.last === null) return null;
  return { rows: Number(extent.rows), first: extent.first, last: extent.last };
}
