import { createHash } from 'node:crypto';
import type { AssetCode } from '../common/asset';
import { formatMoney } from '../common/money';
import type { Period } from '../common/period';
import type { ChainHead } from '../ledger/chain-head';
import { costNano, type UsageCsvRow } from './usage-csv';

/** Names and order of the columns in `usage-csv.ts`. */
export const USAGE_SCHEMA_VERSION = 1;

/** What proves that a CSV is complete and unchanged, and where the books were when it was made. */
export interface Manifest {
  readonly schema: 'tollbridge.usage';
  readonly schemaVersion: typeof USAGE_SCHEMA_VERSION;
  readonly period: { readonly from: string; readonly to: string };
  readonly filter: { readonly customerId: string | null; readonly bom: boolean };
  /** Nothing can be added to the period any more: the same query gives the same bytes for ever. */
  readonly closed: boolean;
  readonly rows: number;
  /** Per asset, by name. */
  readonly totals: readonly AssetTotal[];
  /** Σ cost_nano. */
  readonly totalCostNano: string;
  readonly bytes: number;
  /** Of exactly the bytes of the CSV, in hex. */
  readonly sha256: string;
  /** With it `tollbridge ledger verify --head <seq>:<hash>` proves for ever that the books up to here are still these. */
  readonly ledgerHead: ChainHead | null;
  readonly generatedAt: string;
}

export interface AssetTotal {
  readonly asset: AssetCode;
  readonly rows: number;
  readonly atoms: string;
  readonly amount: string;
}

/** Counts, adds and hashes a CSV while it is made. Constant memory. */
export class UsageTally {
  private readonly hash = createHash('sha256');
  private readonly byAsset = new Map<AssetCode, { rows: number; atoms: bigint }>();
  private rows = 0;
  private bytes = 0;
  private nano = 0n;

  add(rows: readonly UsageCsvRow[], written: Uint8Array): void {
    for (const row of rows) {
      const total = this.byAsset.get(row.asset) ?? { rows: 0, atoms: 0n };
      this.byAsset.set(row.asset, { rows: total.rows + 1, atoms: total.atoms + row.atoms });
      this.nano += costNano(row);
    }
    this.rows += rows.length;
    this.bytes += written.length;
    this.hash.update(written);
  }

  /** Once, at the end. */
  finish(): Pick<Manifest, 'rows' | 'totals' | 'totalCostNano' | 'bytes' | 'sha256'> {
    const totals = [...this.byAsset].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return {
      rows: this.rows,
      totals: totals.map(([asset, { rows, atoms }]) => ({
        asset,
        rows,
        atoms: atoms.toString(),
        amount: formatMoney({ asset, atoms }),
      })),
      totalCostNano: this.nano.toString(),
      bytes: this.bytes,
      sha256: this.hash.digest('hex'),
    };
  }
}

/** `tollbridge-usage-2026-11-01-2026-12-01.csv`; with the customer when it is of one. */
export function fileName(period: Period, customerId: string | undefined, extension: string): string {
  const day = (instant: Date) => instant.toISOString().slice(0, 10);
  const whose = customerId === undefined ? '' : `-${customerId.replace(/[^\w-]/g, '')}`;
  return `tollbridge-usage${whose}-${day(period.from)}-${day(period.to)}.${extension}`;
}
