import { Readable } from 'node:stream';
import type { Period } from '../common/period';
import type { Snapshot } from '../database/snapshot.client';
import { chainHead } from '../ledger/chain-head';
import { type Manifest, USAGE_SCHEMA_VERSION, UsageTally } from './manifest';
import { encodeHeader, encodeRows, type UsageCsvRow } from './usage-csv';

export interface UsageQuery {
  readonly period: Period;
  /** Left out: every customer's. */
  readonly customerId: string | undefined;
  /** A byte order mark first, for Excel. */
  readonly bom: boolean;
}

/** About 60 kB of CSV: one piece for a socket, and little in memory while a slow reader takes its time. */
const ROWS_PER_FETCH = 200;
/** A call's record is written at its end, and the clocks of replicas differ a little. */
const SETTLING_TIME = '5 minutes';

/**
 * One usage export in progress: a cursor on a snapshot. The CSV and its manifest both come from `next`, so they
 * cannot disagree. Must be closed; its stream does that by itself, however it ends.
 */
export class UsageExport {
  private readonly tally = new UsageTally();
  private begun = false;
  private ahead: Promise<UsageCsvRow[]> | undefined;

  private constructor(
    private readonly snapshot: Snapshot,
    private readonly query: UsageQuery,
    private readonly onClose: () => void,
  ) {}

  /** Opens the cursor before anything is sent, so that a failure is still an answer. */
  static async open(snapshot: Snapshot, query: UsageQuery, onClose: () => void): Promise<UsageExport> {
    const { period, customerId } = query;
    await snapshot.query(DECLARE(customerId !== undefined), [
      period.from,
      period.to,
      ...(customerId === undefined ? [] : [customerId]),
    ]);
    return new UsageExport(snapshot, query, onClose);
  }

  /** The next bytes of the CSV; `undefined` after the last. */
  async next(): Promise<Buffer | undefined> {
    if (!this.begun) {
      this.begun = true;
      return this.count([], encodeHeader(this.query.bom));
    }
    const rows = await (this.ahead ?? this.fetch());
    if (rows.length === 0) return undefined;
    this.ahead = this.fetch();
    const bytes = this.count(rows, encodeRows(rows));
    // Emptied, because whatever garbage still points at it would take every row along into the old generation.
    rows.length = 0;
    return bytes;
  }

  /** The CSV as a stream that reads the database only as fast as it is read itself. */
  stream(): Readable {
    const pull = async (stream: Readable): Promise<void> => {
      try {
        stream.push((await this.next()) ?? null);
      } catch (error) {
        stream.destroy(error as Error);
      }
    };
    const stream = new Readable({
      read() {
        void pull(this);
      },
    });
    // Also when it is destroyed before anybody read from it, which a generator would not notice.
    return stream.once('close', () => void this.close());
  }

  /** Makes the whole CSV without sending it, and says what it is. */
  async manifest(now: Date): Promise<Manifest> {
    const ledgerHead = await chainHead(this.snapshot);
    const [state] = await this.snapshot.query<{ closed: boolean }>(CLOSED, [this.query.period.to]);
    while ((await this.next()) !== undefined);
    const { period, customerId, bom } = this.query;
    return {
      schema: 'tollbridge.usage',
      schemaVersion: USAGE_SCHEMA_VERSION,
      period: { from: period.from.toISOString(), to: period.to.toISOString() },
      filter: { customerId: customerId ?? null, bom },
      closed: state?.closed === true,
      ...this.tally.finish(),
      ledgerHead,
      generatedAt: now.toISOString(),
    };
  }

  /** Safe to repeat. */
  async close(): Promise<void> {
    await this.snapshot.close();
    this.onClose();
  }

  /** The database reads the next rows while the last ones are written. Who awaits it hears of a failure. */
  private fetch(): Promise<UsageCsvRow[]> {
    const rows = this.snapshot.query<UsageCsvRow>(`FETCH ${ROWS_PER_FETCH} FROM usage_export`);
    rows.catch(() => undefined);
    return rows;
  }

  private count(rows: readonly UsageCsvRow[], text: string): Buffer {
    const bytes = Buffer.from(text);
    this.tally.add(rows, bytes);
    return bytes;
  }
}

// Names are looked up row by row: a join would let the planner sort the whole period before the first row.
const DECLARE = (ofOneCustomer: boolean): string => `
  DECLARE usage_export NO SCROLL CURSOR FOR
  SELECT u.id, u.occurred_at, u.customer_id, u.api_key_id, u.payer_address, u.endpoint, u.provider, u.model_requested,
         u.model_served, u.status, u.error_code, u.stream, u.input_tokens, u.cached_input_tokens, u.cache_write_tokens,
         u.output_tokens, u.reasoning_tokens, u.images, u.seconds, u.requests, u.usage_source, u.asset, u.atoms,
         u.held_atoms, u.payment_id, u.tx_hash, u.network, u.invoice_id, u.entry_id, u.latency_ms, u.ttfb_ms,
         (SELECT name FROM customers WHERE id = u.customer_id) AS customer_name,
         (SELECT name FROM api_keys WHERE id = u.api_key_id) AS api_key_name,
         (SELECT version FROM prices WHERE id = u.price_id) AS price_version
    FROM usage_records u
   WHERE u.occurred_at >= $1 AND u.occurred_at < $2 ${ofOneCustomer ? 'AND u.customer_id = $3' : ''}
   ORDER BY u.occurred_at, u.id`;

// A call belongs to the moment it began, and is recorded when it ends: open holds and claims may still add to a period.
const CLOSED = `
  SELECT now() >= $1::timestamptz + interval '${SETTLING_TIME}'
     AND NOT EXISTS (SELECT FROM holds WHERE state = 'open' AND opened_at < $1)
     AND NOT EXISTS (SELECT FROM claims WHERE state IN ('working', 'settling', 'in_doubt', 'promised') AND created_at < $1) AS closed`;
