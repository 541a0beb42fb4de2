import { arrayOf, quoted } from './array-literal';
import type { CompanionRows } from './companion-rows';

/** One operation of a flush. Instants are ISO 8601, account ids decimal strings. */
export interface LedgerOperation {
  readonly op: 'hold' | 'release' | 'expire' | 'capture' | 'post';
  /** The hold that is opened or closed; a post has none. */
  readonly hold?: HoldReference;
  /** The entry that a capture or a post brings. */
  readonly entry?: EntryContent;
  readonly customerId: string | null;
  /** Ids of the budget counters that it weighs on, ascending; to close a hold, those of the hold. */
  readonly counters?: readonly string[] | undefined;
  /** What the entry spends of these budgets, in atoms. */
  readonly spent?: bigint | undefined;
  /** The account whose balance the verdict tells. */
  readonly report?: string;
  readonly rows?: CompanionRows | undefined;
}

export interface HoldReference {
  readonly id: string;
  readonly account: string;
  readonly atoms: bigint;
  /** To open it. */
  readonly opens?: { readonly at: string; readonly until: string };
}

export interface EntryContent {
  readonly key: string;
  /** 32 hex digits over what the entry moves. */
  readonly hash: string;
  readonly kind: string;
  readonly effectiveAt?: string | undefined;
  readonly memo?: Readonly<Record<string, string>> | undefined;
  readonly corrects?: bigint | undefined;
  readonly movements: readonly Movement[];
}

/** An overflow that is the debited account itself is none. */
export interface Movement {
  readonly debit: string;
  readonly credit: string;
  readonly overflow: string;
  readonly asset: string;
  readonly atoms: bigint;
}

/** What no two operations of one flush may share: a post is known by its key, everything else by its hold. */
export const nameOf = ({ hold, entry }: LedgerOperation): string => hold?.id ?? entry?.key ?? '';

/** The first text that would poison its flush, because PostgreSQL cannot store it as it is. */
export function unstorableIn({ customerId, entry }: LedgerOperation): string | undefined {
  if (!isStorable(customerId)) return 'customerId';
  if (entry === undefined) return undefined;
  if (!isStorable(entry.key)) return 'key';
  if (!isStorable(entry.kind)) return 'kind';
  for (const word in entry.memo) if (!isStorable(word) || !isStorable(entry.memo[word])) return 'memo';
  return undefined;
}

/** U+0000, and half of a surrogate pair. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;
const isStorable = (text: string | null | undefined): boolean => !text || !UNSTORABLE.test(text);

const LETTERS = { hold: 'h', release: 'r', expire: 'x', capture: 'c', post: 'p' } as const;

/** The parameters of `ledger_flush`: parallel arrays, in the order of the function's header. */
export function parametersOf(operations: readonly LedgerOperation[]): (string | null)[] {
  const ids = accountIdsOf(operations);
  const positions = new Map(ids.map((id, index) => [id, index + 1]));
  const at = (id: string | undefined) => (id === undefined ? 'NULL' : positions.get(id));
  const each = (cell: (operation: LedgerOperation) => unknown) => arrayOf(operations.map(cell));
  const entries = (cell: (entry: EntryContent) => unknown) => each(({ entry }) => (entry ? cell(entry) : 'NULL'));
  const movements = operations.flatMap(({ entry }, index) =>
    (entry?.movements ?? []).filter(({ atoms }) => atoms > 0n).map((movement) => ({ ...movement, op: index + 1 })),
  );
  const lines = (cell: (movement: (typeof movements)[number]) => unknown) => arrayOf(movements.map(cell));
  return [
    arrayOf(ids),
    each(({ op }) => LETTERS[op]),
    each(({ hold }) => hold?.id ?? 'NULL'),
    each(({ hold }) => at(hold?.account)),
    each(({ hold }) => hold?.atoms ?? 'NULL'),
    each(({ hold }) => hold?.opens?.at ?? 'NULL'),
    each(({ hold }) => hold?.opens?.until ?? 'NULL'),
    each(({ customerId }) => quoted(customerId)),
    each(({ report }) => at(report)),
    entries(({ key }) => quoted(key)),
    entries(({ hash }) => hash),
    entries(({ kind }) => quoted(kind)),
    entries(({ effectiveAt }) => effectiveAt ?? 'NULL'),
    entries(({ memo }) => (memo === undefined ? 'NULL' : quoted(JSON.stringify(memo)))),
    entries(({ corrects }) => corrects ?? 'NULL'),
    lines(({ op }) => op),
    lines(({ debit }) => at(debit)),
    lines(({ credit }) => at(credit)),
    lines(({ overflow }) => at(overflow)),
    lines(({ asset }) => quoted(asset)),
    lines(({ atoms }) => atoms),
    usagesOf(operations),
    // PostgreSQL makes nulls of what an array lacks.
    operations.some(({ counters = [] }) => counters.length > 0) ? each(countersOf) : '{}',
    each(({ spent }) => spent ?? 'NULL'),
  ];
}

/** Its budget counters as the database keeps them with a hold: `"12,15"`. */
export const countersOf = ({ counters = [] }: LedgerOperation): string =>
  counters.length === 0 ? 'NULL' : quoted(counters.join());

/** Every account that they name, or those that bear no overflow, in the order in which a flush locks them. */
export function accountIdsOf(operations: readonly LedgerOperation[], withOverflows = true): string[] {
  const ids = new Set<string>();
  for (const { hold, report, entry } of operations) {
    if (hold) ids.add(hold.account);
    if (report !== undefined) ids.add(report);
    for (const { debit, credit, overflow } of entry?.movements ?? []) {
      ids.add(debit).add(credit);
      if (withOverflows) ids.add(overflow);
    }
  }
  return ascending(ids);
}

/** Decimal numbers in their order, in which rows are locked. */
export const ascending = (ids: Iterable<string>): string[] =>
  [...ids].toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));

function usagesOf(operations: readonly LedgerOperation[]): string | null {
  const rows = operations.flatMap(({ rows }, index) => (rows?.usage ? [{ ...rows.usage, op: index + 1 }] : []));
  return rows.length === 0 ? null : JSON.stringify(rows);
}
