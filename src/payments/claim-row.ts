import type { Claim, ClaimState, PendingCapture } from './claim';

/** A claim as its table has it. */
export interface ClaimRow {
  key: string;
  scheme: string;
  state: ClaimState;
  fingerprint: string;
  call_id: string;
  customer_id: string | null;
  payment: unknown;
  capture: PendingCapture | null;
  answer_status: number | null;
  answer_headers: Record<string, string> | null;
  answer_body: Buffer | null;
  transaction: string | null;
  reason: string | null;
  valid_before: Date | null;
}

export const toClaim = (row: ClaimRow): Claim => ({
  key: row.key,
  scheme: row.scheme,
  state: row.state,
  fingerprint: row.fingerprint,
  callId: row.call_id,
  customerId: row.customer_id,
  payment: row.payment,
  capture: row.capture,
  answer:
    row.answer_status === null || row.answer_body === null
      ? undefined
      : { status: row.answer_status, headers: row.answer_headers ?? {}, body: row.answer_body },
  transaction: row.transaction,
  reason: row.reason,
  validBefore: row.valid_before,
});
