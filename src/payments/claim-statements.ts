import type { Tx } from '../database/tx';
import { customerCredits } from '../ledger/ledger-account';
import {
  AFTER_LOST_LEASE,
  CLAIM_TRANSITIONS,
  CLAIMABLE,
  type Claim,
  type ClaimChange,
  type ClaimRefusal,
  type ClaimState,
  type ExposureLimit,
  LEASE_LOST,
  MAX_KEPT_BYTES,
  type NewClaim,
} from './claim';
import { LEASE_SECONDS } from './claim-leases.service';
import { type ClaimRow, toClaim } from './claim-row';

/*
 * Each of these is one statement for many claims, of which no two have one key. Rows are locked in the order of their
 * keys: whoever else changes several claims does the same.
 */

/** The claims that there are, in the order of the keys. */
export async function findClaims(tx: Tx, keys: readonly string[]): Promise<(Claim | undefined)[]> {
  const rows = await tx.query<ClaimRow>('SELECT * FROM claims WHERE key = ANY ($1)', [keys]);
  const found = new Map(rows.map((row) => [row.key, toClaim(row)]));
  return keys.map((key) => found.get(key));
}

const TAKE = `
  WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::jsonb[], $7::timestamptz[],
                         $8::float[], $9::text[], $10::text[], $11::bigint[], $12::text[])
      AS asked (key, scheme, fingerprint, call_id, customer_id, payment, valid_before, lease, payer, network, exposure,
                debtor)
  ), owing AS (
    SELECT code FROM ledger_accounts WHERE code = ANY ($12) AND asset = 'USDC' AND frozen
  ), taken AS (
    INSERT INTO claims AS old (key, scheme, state, fingerprint, call_id, customer_id, payment, valid_before, lease_until,
                               payer, network, exposure)
    SELECT key, scheme, 'working', fingerprint, call_id, customer_id, payment, valid_before,
           now() + make_interval(secs => lease), payer, network, exposure
      FROM asked WHERE debtor NOT IN (SELECT code FROM owing) ORDER BY key
    ON CONFLICT (key) DO UPDATE SET state = 'working', call_id = EXCLUDED.call_id, payer = EXCLUDED.payer,
      network = EXCLUDED.network, exposure = EXCLUDED.exposure, lease_until = EXCLUDED.lease_until, updated_at = now(), reason = NULL,
      -- What is not settled yet is settled as it was verified last.
      payment = CASE WHEN old.transaction IS NULL THEN EXCLUDED.payment ELSE old.payment END
      WHERE old.fingerprint = EXCLUDED.fingerprint AND old.state = ANY ($13)
    RETURNING *
  ) SELECT taken.*, asked.key AS asked, asked.debtor IN (SELECT code FROM owing) AS owing
      FROM asked LEFT JOIN taken USING (key)`;

export interface AskedClaim {
  readonly claim: NewClaim;
  readonly limit?: ExposureLimit | undefined;
}

/** For each: the claim if it was taken, else why not. */
export async function takeClaims(tx: Tx, asked: readonly AskedClaim[]): Promise<(Claim | ClaimRefusal)[]> {
  const column = (cell: (one: AskedClaim) => unknown) => asked.map(cell);
  const rows = await tx.query<ClaimRow & { asked: string; owing: boolean }>(TAKE, [
    column(({ claim }) => claim.key),
    column(({ claim }) => claim.scheme),
    column(({ claim }) => claim.fingerprint),
    column(({ claim }) => claim.callId),
    column(({ claim }) => claim.customerId),
    column(({ claim }) => (claim.payment === null ? null : JSON.stringify(claim.payment))),
    column(({ claim }) => claim.validBefore),
    column(({ claim }) => claim.leaseSeconds ?? LEASE_SECONDS),
    column(({ limit }) => limit?.payer ?? null),
    column(({ limit }) => limit?.network ?? null),
    column(({ limit }) => limit?.exposure ?? 0n),
    column(({ claim }) => debtorOf(claim)),
    CLAIMABLE,
  ]);
  const outcomes = new Map<string, Claim | ClaimRefusal>(
    rows.map((row) => [row.asked, row.key ? toClaim(row) : row.owing ? 'owing' : 'taken']),
  );
  return asked.map(({ claim }) => outcomes.get(claim.key) ?? 'taken');
}

/** Whose frozen account stands against the claim; nobody's where it is empty. */
const debtorOf = ({ customerId, despiteDebt }: NewClaim): string =>
  customerId === null || despiteDebt ? '' : customerCredits(customerId, 'USDC').code;

export interface Move {
  readonly key: string;
  readonly callId: string;
  readonly to: ClaimState;
  readonly change: ClaimChange;
}

/** A lease that backs off is this part of the claim's age, and at most so many seconds. */
const BACK_OFF_PART = 8;
const BACK_OFF_MOST = 600;

const MOVE = `
  WITH change AS (
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::jsonb[], $5::integer[], $6::jsonb[], $7::bytea[],
                         $8::text[], $9::text[], $10::float[], $11::boolean[])
      AS change (key, call_id, state, capture, answer_status, answer_headers, answer_body, transaction, reason, lease,
                 back_off)
  ), mine AS (
    SELECT claims.key FROM claims JOIN change USING (key, call_id)
     WHERE (claims.state || '>' || change.state = ANY ($12)
            OR (claims.reason = '${LEASE_LOST}' AND claims.state || '>' || change.state = ANY ($13))) ORDER BY claims.key FOR NO KEY UPDATE OF claims
  )
  UPDATE claims SET state = change.state, capture = coalesce(change.capture, claims.capture),
      answer_status = coalesce(change.answer_status, claims.answer_status),
      answer_headers = coalesce(change.answer_headers, claims.answer_headers),
      answer_body = coalesce(change.answer_body, claims.answer_body),
      transaction = coalesce(change.transaction, claims.transaction), reason = coalesce(change.reason, claims.reason),
      lease_until = coalesce(now() + make_interval(secs => greatest(change.lease, CASE WHEN change.back_off
        THEN least(extract(epoch FROM now() - claims.created_at)::float / ${BACK_OFF_PART}, ${BACK_OFF_MOST}) END)),
        claims.lease_until),
      updated_at = now()
    FROM change JOIN mine USING (key) WHERE claims.key = change.key RETURNING claims.key`;

const transitionsOf = (table: Readonly<Partial<Record<ClaimState, readonly ClaimState[]>>>): string[] =>
  Object.entries(table).flatMap(([from, targets]) => targets.map((to) => `${from}>${to}`));

const TRANSITIONS = transitionsOf(CLAIM_TRANSITIONS);
const AFTER_LOSS = transitionsOf(AFTER_LOST_LEASE);

/** For each whether it was moved: the claim is this call's, and its state is one from which the new one can be reached. */
export async function moveClaims(tx: Tx, moves: readonly Move[]): Promise<boolean[]> {
  const answers = moves.map(({ change: { answer } }) =>
    answer && answer.body.length <= MAX_KEPT_BYTES ? answer : undefined,
  );
  const rows = await tx.query<{ key: string }>(MOVE, [
    moves.map(({ key }) => key),
    moves.map(({ callId }) => callId),
    moves.map(({ to }) => to),
    moves.map(({ change: { capture } }) => (capture === undefined ? null : JSON.stringify(capture))),
    answers.map((answer) => answer?.status ?? null),
    answers.map((answer) => (answer === undefined ? null : JSON.stringify(answer.headers))),
    answers.map((answer) => answer?.body ?? null),
    moves.map(({ change }) => change.transaction ?? null),
    moves.map(({ change }) => change.reason ?? null),
    moves.map(({ change }) => change.leaseSeconds ?? null),
    moves.map(({ change }) => change.backOff === true),
    TRANSITIONS,
    AFTER_LOSS,
  ]);
  const moved = new Set(rows.map(({ key }) => key));
  return moves.map(({ key }) => moved.has(key));
}
