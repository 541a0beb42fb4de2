/**
 * A transaction in progress, or a connection outside one where a caller only reads.
 * The first parameter of whatever writes: who sees a `Tx` knows that the caller decides about the commit.
 */
export interface Tx {
  /** Runs one statement and returns its rows; `int8` columns arrive as `bigint`, `numeric` as decimal strings. */
  query<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
}
