import type { AssetCode } from '../common/asset';
import { encodeCsv, neutralise } from '../common/csv';
import { formatMoney, type Money, usdcToUsdAtPar } from '../common/money';

/** A field that is unknown or has no meaning yet is empty; zero is written as 0. */
export function encodeRows(rows: readonly UsageCsvRow[]): string {
  return encodeCsv(rows.map((row) => COLUMNS.map(([, kind, read]) => toCell(kind, read(row)))));
}

/** The first line, behind a byte order mark when Excel is to recognise UTF-8. */
export const encodeHeader = (bom: boolean): string => `${bom ? '\uFEFF' : ''}${encodeCsv([COLUMN_NAMES])}`;

/** The charge in nano-USD, USDC at par: exact, because USD is the finer asset. */
export const costNano = (charge: Money): bigint => (charge.asset === 'USD' ? charge : usdcToUsdAtPar(charge)).atoms;

/** One call, as the database has it. */
export interface UsageCsvRow {
  readonly id: string;
  readonly occurred_at: Date;
  readonly customer_id: string | null;
  readonly customer_name: string | null;
  readonly api_key_id: string | null;
  readonly api_key_name: string | null;
  readonly payer_address: string | null;
  readonly endpoint: string;
  readonly provider: string;
  readonly model_requested: string;
  readonly model_served: string | null;
  readonly status: string;
  readonly error_code: string | null;
  readonly stream: boolean;
  readonly input_tokens: bigint | null;
  readonly cached_input_tokens: bigint | null;
  readonly cache_write_tokens: bigint | null;
  readonly output_tokens: bigint | null;
  readonly reasoning_tokens: bigint | null;
  readonly images: bigint | null;
  readonly seconds: bigint | null;
  readonly requests: bigint | null;
  readonly usage_source: string;
  readonly price_version: number | null;
  readonly asset: AssetCode;
  readonly atoms: bigint;
  readonly held_atoms: bigint;
  readonly payment_id: string | null;
  readonly tx_hash: string | null;
  readonly network: string | null;
  readonly invoice_id: string | null;
  readonly entry_id: bigint | null;
  readonly latency_ms: number | null;
  readonly ttfb_ms: number | null;
}

/** `text` may begin with anything a person wrote; `exact` is a number, an instant or a word of our own. */
type Kind = 'text' | 'exact';
type Value = string | number | bigint | null;
type Column = readonly [name: string, kind: Kind, read: (row: UsageCsvRow) => Value];

const charge = (row: UsageCsvRow): Money => ({ asset: row.asset, atoms: row.atoms });
const inAsset = (row: UsageCsvRow, atoms: bigint): string => formatMoney({ asset: row.asset, atoms });
/** Columns of later features: there from the first version, so that no reader ever sees one move. */
const later = (name: string): Column => [name, 'exact', () => null];

/** Names and order are the schema: version 1 keeps both for ever, a new column is a new version. */
const COLUMNS: readonly Column[] = [
  ['usage_id', 'text', (row) => row.id],
  ['occurred_at', 'exact', (row) => row.occurred_at.toISOString()],
  ['account_id', 'text', (row) => row.customer_id],
  ['account_name', 'text', (row) => row.customer_name],
  later('project'),
  ['api_key_id', 'text', (row) => row.api_key_id],
  ['api_key_name', 'text', (row) => row.api_key_name],
  ['payer_type', 'exact', (row) => railOf(row, 'api_key')],
  ['payer_address', 'text', (row) => row.payer_address],
  ['request_id', 'text', (row) => row.id],
  ['endpoint', 'text', (row) => row.endpoint],
  ['provider', 'text', (row) => row.provider],
  ['model_requested', 'text', (row) => row.model_requested],
  ['model_served', 'text', (row) => row.model_served],
  ['status', 'exact', (row) => row.status],
  ['error_code', 'text', (row) => row.error_code],
  ['stream', 'exact', (row) => String(row.stream)],
  ['input_tokens', 'exact', (row) => row.input_tokens],
  ['cached_input_tokens', 'exact', (row) => row.cached_input_tokens],
  ['cache_write_tokens', 'exact', (row) => row.cache_write_tokens],
  ['output_tokens', 'exact', (row) => row.output_tokens],
  ['reasoning_tokens', 'exact', (row) => row.reasoning_tokens],
  ['images', 'exact', (row) => row.images],
  ['audio_seconds', 'exact', (row) => row.seconds],
  ['requests', 'exact', (row) => row.requests],
  ['usage_source', 'exact', (row) => row.usage_source],
  ['price_version', 'exact', (row) => row.price_version],
  later('list_cost'),
  later('discount'),
  ['cost', 'exact', (row) => formatMoney(charge(row))],
  ['currency', 'exact', (row) => row.asset],
  ['cost_nano', 'exact', (row) => costNano(charge(row))],
  ['held', 'exact', (row) => inAsset(row, row.held_atoms)],
  ['released', 'exact', (row) => inAsset(row, row.held_atoms > row.atoms ? row.held_atoms - row.atoms : 0n)],
  ['funding', 'exact', (row) => (row.atoms > 0n ? railOf(row, 'paid_credit') : null)],
  later('grant_ids'),
  ['payment_id', 'text', (row) => row.payment_id],
  ['tx_hash', 'text', (row) => row.tx_hash],
  ['network', 'text', (row) => row.network],
  ['invoice_id', 'text', (row) => row.invoice_id],
  later('invoice_line_id'),
  ['ledger_transaction_id', 'exact', (row) => row.entry_id],
  later('upstream_cost'),
  later('margin'),
  ['latency_ms', 'exact', (row) => row.latency_ms],
  ['ttfb_ms', 'exact', (row) => row.ttfb_ms],
  later('tags'),
];

export const COLUMN_NAMES: readonly string[] = COLUMNS.map(([name]) => name);

/** Who has a key pays from its customer's credit; who has none pays on a chain through HTTP 402. */
function railOf(row: UsageCsvRow, withKey: string): string | null {
  if (row.api_key_id !== null) return withKey;
  return row.payer_address === null ? null : 'x402';
}

function toCell(kind: Kind, value: Value): string {
  if (value === null) return '';
  return kind === 'text' ? neutralise(String(value)) : String(value);
}
