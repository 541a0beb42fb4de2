/** Written in the same transaction as a ledger operation, and only if it is applied: see the README. */
export interface CompanionRows {
  /** A row of `usage_records`, with its invoice's columns; the entry and the balance after it are added. */
  readonly usage?: Readonly<Record<string, unknown>>;
}
