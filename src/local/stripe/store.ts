import { type Snapshot, TABLE_NAMES, type TableName, type Tables } from './tables';

/**
 * All state of the simulator, in memory. Tables keep insertion order, which is what Stripe's lists go by
 * (newest first): `created` has whole seconds and cannot order two objects of the same test.
 */
export class Store {
  private readonly tables = new Map<TableName, Map<string, Tables[TableName]>>();
  private changed: () => void = () => undefined;

  constructor(snapshot: Snapshot = {}) {
    for (const name of TABLE_NAMES) {
      const rows: Array<Tables[TableName]> = snapshot[name] ?? [];
      this.tables.set(name, new Map(rows.map((row) => [row.id, row])));
    }
  }

  /** Calls back after every change; one listener. */
  onChange(listener: () => void): void {
    this.changed = listener;
  }

  get<K extends TableName>(table: K, id: string): Tables[K] | undefined {
    return this.rows(table).get(id);
  }

  /** Inserts, or tells that a row was changed in place. */
  put<K extends TableName>(table: K, row: Tables[K]): Tables[K] {
    this.rows(table).set(row.id, row);
    this.changed();
    return row;
  }

  remove(table: TableName, id: string): void {
    this.rows(table).delete(id);
    this.changed();
  }

  /** Oldest first. */
  all<K extends TableName>(table: K): Array<Tables[K]> {
    return [...this.rows(table).values()];
  }

  /** Forgets the oldest rows while `old` holds for them. */
  dropOldest<K extends TableName>(table: K, old: (row: Tables[K]) => boolean): void {
    for (const row of this.rows(table).values()) {
      if (!old(row)) return;
      this.rows(table).delete(row.id);
    }
  }

  snapshot(): Snapshot {
    return Object.fromEntries(TABLE_NAMES.map((name) => [name, this.all(name)])) as Snapshot;
  }

  private rows<K extends TableName>(table: K): Map<string, Tables[K]> {
    // One map holds tables of different rows; the name is what tells which.
    return this.tables.get(table) as unknown as Map<string, Tables[K]>;
  }
}
