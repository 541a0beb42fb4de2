/**
 * One operation of the database function `ledger_flush`. Accounts are given by their ids; the function gets their
 * positions among the accounts of the whole flush.
 */
export interface LedgerOperation {
  readonly op: 'hold' | 'release' | 'capture' | 'post';
  /** As the function reads them, but for accounts. Integers are decimal strings. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly accounts: {
    /** Where the hold is. */
    readonly account?: string;
    /** Whose balance the verdict tells. */
    readonly report?: string;
    /** One of each for every movement; an overflow that is the debited account itself is none. */
    readonly debits?: readonly string[];
    readonly credits?: readonly string[];
    readonly overflows?: readonly string[];
  };
  /** Its key and its hold: no two operations of one flush share a name. */
  readonly names: readonly string[];
}

/** The parameters of one flush: the operations as JSON, and the ids of their accounts in ascending order. */
export function parametersOf(operations: readonly LedgerOperation[]): [string, string[]] {
  const ids = [...new Set(operations.flatMap(accountsOf))].toSorted((a, b) => Number(BigInt(a) - BigInt(b)));
  const positions = new Map(ids.map((id, index) => [id, index + 1]));
  const at = (id: string | undefined) => (id === undefined ? undefined : positions.get(id));
  const json = operations.map(({ op, fields, accounts }) => ({
    op,
    ...fields,
    account: at(accounts.account),
    report: at(accounts.report),
    debits: accounts.debits?.map(at),
    credits: accounts.credits?.map(at),
    overflows: accounts.overflows?.map(at),
  }));
  return [JSON.stringify(json), ids];
}

function accountsOf({ accounts }: LedgerOperation): string[] {
  const { account, report, debits = [], credits = [], overflows = [] } = accounts;
  return [account, report, ...debits, ...credits, ...overflows].filter((id) => id !== undefined);
}
