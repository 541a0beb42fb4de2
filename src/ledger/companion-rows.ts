/** Rows written in the same transaction as a ledger operation, and only if it is applied: see the README. */
export interface CompanionRows {
  readonly usage?: Readonly<Record<string, unknown>>;
  readonly invoice?: Readonly<Record<string, unknown>>;
}
