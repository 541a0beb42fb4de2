import type { Money } from '../common/money';
import { instantOf } from '../common/id';
import type { Usage } from './usage';

/** One call as it was used: the durable fact behind its charge, also for a call that failed and costs nothing. */
export interface UsageRecord {
  /** The request id, a UUIDv7: its instant is `occurred_at`. */
  readonly callId: string;
  readonly customerId: string | null;
  readonly apiKeyId: string | null;
  readonly payerAddress: string | null;
  readonly scheme: string;
  readonly endpoint: string;
  readonly provider: string;
  readonly modelRequested: string;
  readonly modelServed: string | null;
  readonly status: 'succeeded' | 'interrupted' | 'failed';
  readonly errorCode: string | null;
  readonly stream: boolean;
  readonly usage: Usage;
  readonly priceId: string;
  readonly charge: Money;
  readonly held: Money;
  readonly paymentId: string | null;
  readonly network: string | null;
  readonly transaction: string | null;
  readonly latencyMs: number;
  readonly ttfbMs: number | null;
}

/** The record as a row of `usage_records`. `entry_id` and `balance_after` are set by the ledger's flush. */
export function usageRow(record: UsageRecord): Record<string, unknown> {
  const { quantities, source } = record.usage;
  const text = (value: bigint | undefined): string | null => value?.toString() ?? null;
  return {
    id: record.callId,
    occurred_at: instantOf(record.callId).toISOString(),
    customer_id: record.customerId,
    api_key_id: record.apiKeyId,
    payer_address: record.payerAddress,
    scheme: record.scheme,
    endpoint: record.endpoint,
    provider: record.provider,
    model_requested: record.modelRequested,
    model_served: record.modelServed,
    status: record.status,
    error_code: record.errorCode,
    stream: record.stream,
    input_tokens: text(quantities.input),
    cached_input_tokens: text(quantities.cached_input),
    cache_write_tokens: text(quantities.cache_write),
    output_tokens: text(quantities.output),
    reasoning_tokens: text(quantities.reasoning),
    images: text(quantities.image),
    seconds: text(quantities.second),
    requests: text(quantities.request),
    usage_source: source,
    price_id: record.priceId,
    asset: record.charge.asset,
    atoms: record.charge.atoms.toString(),
    held_atoms: record.held.atoms.toString(),
    payment_id: record.paymentId,
    network: record.network,
    tx_hash: record.transaction,
    latency_ms: record.latencyMs,
    ttfb_ms: record.ttfbMs,
  };
}
