import type { Hex } from 'viem';
import type { Tx } from '../../database/tx';
import { type KeptAnswer, MAX_KEPT_BYTES, type PendingCapture } from '../claim';
import type { Channel } from './channel';
import { type ChannelRow, toChannel } from './channel-row';

/*
 * Each of these is one statement for many channels, of which no two are the same. Rows are locked in the order of their
 * ids: whoever else changes several channels does the same.
 */

/** The channels that there are, in the order of the ids. */
export async function findChannels(tx: Tx, ids: readonly Hex[]): Promise<(Channel | undefined)[]> {
  const rows = await tx.query<ChannelRow>('SELECT * FROM channels WHERE channel_id = ANY ($1)', [ids]);
  return inOrder(ids, rows);
}

export interface Reservation {
  readonly id: Hex;
  readonly key: string;
  readonly callId: string;
}

const RESERVE = `
  WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[]) AS asked (channel_id, key, call_id)
  ), idle AS (
    SELECT channel_id FROM channels JOIN asked USING (channel_id)
     WHERE pending_call IS NULL AND coalesce((sdk_pending->>'expiresAt')::numeric, 0) <= extract(epoch FROM now()) * 1000
     ORDER BY channel_id FOR NO KEY UPDATE OF channels
  )
  UPDATE channels SET pending_key = asked.key, pending_call = asked.call_id, last_request_at = now()
    FROM asked JOIN idle USING (channel_id)
   WHERE channels.channel_id = asked.channel_id AND pending_call IS NULL RETURNING channels.*`;

/** For each: the channel, which is the call's from now on; `undefined` while another call has it. */
export async function reserveChannels(tx: Tx, asked: readonly Reservation[]): Promise<(Channel | undefined)[]> {
  const ids = asked.map(({ id }) => id);
  const parameters = [ids, asked.map(({ key }) => key), asked.map(({ callId }) => callId)];
  return inOrder(ids, await tx.query<ChannelRow>(RESERVE, parameters));
}

/** One call's use of a channel: the claim that has reserved it, and the voucher that pays. */
export interface VoucherUse {
  readonly key: string;
  readonly callId: string;
  readonly channelId: Hex;
  readonly max: bigint;
  readonly signature: Hex;
}

/** What a call takes of its channel, and what its claim becomes. */
export interface Charge {
  readonly use: VoucherUse;
  readonly atoms: bigint;
  readonly state: 'settling' | 'working';
  readonly capture?: PendingCapture;
  readonly answer?: KeptAnswer | undefined;
  /** Says that it is paid before its work is done. */
  readonly mark?: string;
}

/** The claim and its channel move in one statement: what is charged is kept with its answer, whatever happens next. */
const CHARGE = `
  WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[],
                         $8::jsonb[], $9::integer[], $10::jsonb[], $11::bytea[], $12::text[])
      AS asked (key, call_id, channel_id, max, signature, atoms, state, capture, answer_status, answer_headers,
                answer_body, transaction)
  ), reserved AS (
    SELECT channel_id FROM channels JOIN asked USING (channel_id) WHERE pending_call = asked.call_id
     ORDER BY channel_id FOR NO KEY UPDATE OF channels
  ), mine AS (
    SELECT key FROM claims JOIN asked USING (key, call_id) JOIN reserved USING (channel_id)
     WHERE claims.state = 'working' ORDER BY key FOR NO KEY UPDATE OF claims
  ), moved AS (
    UPDATE claims SET state = asked.state, capture = coalesce(asked.capture, claims.capture),
           answer_status = coalesce(asked.answer_status, claims.answer_status),
           answer_headers = coalesce(asked.answer_headers, claims.answer_headers),
           answer_body = coalesce(asked.answer_body, claims.answer_body),
           transaction = coalesce(asked.transaction, claims.transaction), updated_at = now()
      FROM asked JOIN mine USING (key) WHERE claims.key = asked.key RETURNING claims.key
  )
  UPDATE channels SET charged = charged + atoms, pending_key = NULL, pending_call = NULL,
         signed_max = CASE WHEN atoms > 0 THEN asked.max ELSE signed_max END,
         signature = CASE WHEN atoms > 0 THEN asked.signature ELSE channels.signature END,
         unclaimed_since = CASE WHEN atoms > 0 THEN coalesce(unclaimed_since, now()) ELSE unclaimed_since END
    FROM asked JOIN moved USING (key)
   WHERE channels.channel_id = asked.channel_id AND pending_call = asked.call_id
  RETURNING channels.*`;

/** For each: the channel as it is charged now; `undefined` when the claim is not this worker's any more. */
export async function chargeChannels(tx: Tx, charges: readonly Charge[]): Promise<(Channel | undefined)[]> {
  const column = (cell: (charge: Charge) => unknown) => charges.map(cell);
  const answers = charges.map(({ answer }) => (answer && answer.body.length <= MAX_KEPT_BYTES ? answer : undefined));
  const rows = await tx.query<ChannelRow>(CHARGE, [
    column(({ use }) => use.key),
    column(({ use }) => use.callId),
    column(({ use }) => use.channelId),
    column(({ use }) => use.max),
    column(({ use }) => use.signature),
    column(({ atoms }) => atoms),
    column(({ state }) => state),
    column(({ capture }) => (capture === undefined ? null : JSON.stringify(capture))),
    answers.map((answer) => answer?.status ?? null),
    answers.map((answer) => (answer === undefined ? null : JSON.stringify(answer.headers))),
    answers.map((answer) => answer?.body ?? null),
    column(({ mark }) => mark ?? null),
  ]);
  return inOrder(
    charges.map(({ use }) => use.channelId),
    rows,
  );
}

function inOrder(ids: readonly Hex[], rows: readonly ChannelRow[]): (Channel | undefined)[] {
  const found = new Map(rows.map((row) => [row.channel_id, toChannel(row)]));
  return ids.map((id) => found.get(id));
}
