import { Injectable } from '@nestjs/common';
import { instantOf } from '../common/id';
import { type Money, usd } from '../common/money';
import { DatabaseService } from '../database/database.service';

/** A call that a voucher paid. Amounts are atoms. */
export interface ChannelCall {
  readonly channel: string;
  /** In all, with this call. */
  readonly charged: bigint;
  /** Of a stream its ceiling. */
  readonly charge: bigint;
  /** The transaction of the deposit that came with it. */
  readonly deposit: string | undefined;
}

/** What the operator paid the network for a call: in wei of the chain's coin, and in USD at the rate of the day. */
export interface NetworkFee {
  readonly wei: bigint;
  readonly value: Money;
}

/** Where the money of a call that was answered first has moved since. */
export interface KeptPromise {
  readonly transaction: string;
  /** Left out until it is on the books, and where somebody else sent it. */
  readonly fee?: NetworkFee;
}

/**
 * The gas of calls whose money moves behind their invoices. Of calls on channels: a deposit's is that of the call that brought it; a claim's is shared alike by its channels,
 * and by a channel's calls in proportion to their charges. So what all calls bear is what deposits and claims cost.
 */
@Injectable()
export class NetworkFees {
  constructor(private readonly database: DatabaseService) {}

  /**
   * In the order of the calls, rounded up. `undefined` until the call is claimed, and the gas of it is on the books. What
   * is claimed together with a refund is borne by the refund.
   */
  async of(calls: readonly ChannelCall[]): Promise<(NetworkFee | undefined)[]> {
    if (calls.length === 0) return [];
    const rows = await this.database.query<{ nr: number; wei: string; nano: string }>(FEES, [
      calls.map((_, index) => index),
      calls.map(({ channel }) => channel),
      calls.map(({ charged }) => charged),
      calls.map(({ charge }) => charge),
      calls.map(({ deposit }) => deposit ?? null),
    ]);
    const found = new Map(rows.map(({ nr, wei, nano }) => [nr, { wei: BigInt(wei), value: usd(BigInt(nano)) }]));
    return calls.map((_, index) => found.get(index));
  }

  /** Of `exact` calls that were answered after a verified claim, by their ids: those that are settled by now. */
  async ofPromised(callIds: readonly string[]): Promise<ReadonlyMap<string, KeptPromise>> {
    if (callIds.length === 0) return new Map();
    const rows = await this.database.query<{
      id: string;
      transaction: string;
      wei: string | null;
      nano: string | null;
    }>(PROMISED, [callIds, callIds.map(instantOf)]);
    return new Map(
      rows.map(({ id, transaction, wei, nano }) => [
        id,
        { transaction, ...(wei && nano ? { fee: { wei: BigInt(wei), value: usd(BigInt(nano)) } } : {}) },
      ]),
    );
  }
}

/** A transaction's gas is shared alike by its calls. */
const PROMISED = `
  SELECT usage.id, claims.transaction, ceil(own.fee_wei / shared.calls)::text AS wei,
         ceil(own.fee_value / shared.calls)::text AS nano
    FROM unnest($1::uuid[], $2::timestamptz[]) AS asked (id, at)
    JOIN usage_records usage ON usage.id = asked.id AND usage.occurred_at = asked.at
    JOIN claims ON claims.key = usage.payment_id AND claims.state = 'settled'
    LEFT JOIN chain_transactions own ON own.hash = claims.transaction AND own.fee_value IS NOT NULL
    LEFT JOIN LATERAL (
      SELECT count(*) AS calls FROM chain_calls WHERE chain_calls.transaction = own.hash
    ) shared ON true`;

/** A transaction that a stranger sent cost us nothing: then a claim has none of ours. */
const FEES = `
  WITH asked AS (
    SELECT * FROM unnest($1::integer[], $2::text[], $3::numeric[], $4::numeric[], $5::text[])
      AS asked (nr, channel_id, charged, charge, deposit)
  ), covering AS (
    SELECT DISTINCT ON (nr) asked.*, transaction, charge / (channels * (total - before)) AS part
      FROM asked, LATERAL (
        SELECT transaction, jsonb_array_length(claims) AS channels, (item->>'totalClaimed')::numeric AS total,
               lag((item->>'totalClaimed')::numeric, 1, 0::numeric) OVER (ORDER BY (item->>'totalClaimed')::numeric) AS before
          FROM channel_claims, jsonb_array_elements(claims) AS item
         WHERE state = 'settled' AND claims @> jsonb_build_array(jsonb_build_object('channelId', asked.channel_id))
           AND item->>'channelId' = asked.channel_id
      ) claim WHERE total >= charged AND total > before ORDER BY nr, total
  )
  SELECT nr, ceil(part * coalesce(claim.fee_wei, 0) + coalesce(deposit.fee_wei / deposits, 0))::text AS wei,
         ceil(part * coalesce(claim.fee_value, 0) + coalesce(deposit.fee_value / deposits, 0))::text AS nano
    FROM covering
    LEFT JOIN chain_transactions claim ON claim.hash = covering.transaction
    LEFT JOIN chain_transactions deposit ON deposit.hash = covering.deposit
    LEFT JOIN LATERAL (
      SELECT count(*) AS deposits FROM chain_calls WHERE chain_calls.transaction = covering.deposit
    ) shared ON true
   WHERE (claim.hash IS NULL OR claim.fee_value IS NOT NULL) AND (deposit.hash IS NULL OR deposit.fee_value IS NOT NULL)`;
