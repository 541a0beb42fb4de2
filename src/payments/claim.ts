import type { AssetCode } from '../common/asset';
import type { CompanionRows } from '../ledger/companion-rows';
import type { BalanceShare } from './balance-shares';
import type { NetworkCost } from './chain/gas-value';

/**
 * One signed payment, or one idempotency key, does one piece of work. The claim is the row that says who does it,
 * how far it is, and what came of it.
 */
export interface Claim {
  readonly key: string;
  readonly scheme: string;
  readonly state: ClaimState;
  /** Hash of the request and of the payment's proof: a repeat must match it in full. */
  readonly fingerprint: string;
  readonly callId: string;
  readonly customerId: string | null;
  /** What is needed to settle again: payload and requirements as they were verified. */
  readonly payment: unknown;
  /** What is needed to finish the books after a crash. */
  readonly capture: PendingCapture | null;
  readonly answer: KeptAnswer | undefined;
  readonly transaction: string | null;
  readonly reason: string | null;
  readonly validBefore: Date | null;
}

/**
 * working: somebody does the work, until the lease runs out · settling: the work is done and kept, money moves ·
 * in_doubt: sent to a chain, outcome unknown · promised: answered, money moves until it came or cannot come any more ·
 * settled: paid and answered · paid: paid, but the work failed; the same payment may try again · released: nothing was
 * taken, may be claimed again · failed: the money did not come.
 */
export type ClaimState = 'working' | 'settling' | 'in_doubt' | 'promised' | 'settled' | 'paid' | 'released' | 'failed';

export const CLAIM_TRANSITIONS: Readonly<Record<ClaimState, readonly ClaimState[]>> = {
  working: ['settling', 'promised', 'settled', 'paid', 'released'],
  settling: ['working', 'settled', 'paid', 'in_doubt', 'failed'],
  in_doubt: ['in_doubt', 'settled', 'paid', 'failed'],
  promised: ['promised', 'settled', 'failed'],
  paid: ['working'],
  released: ['working'],
  settled: [],
  failed: [],
};

/** Why a claim was freed though its worker may live: its lease could not be renewed. */
export const LEASE_LOST = 'lease_lost';

/**
 * What a call may still do with a claim that lost its lease and that nobody else has taken over: its work is delivered,
 * or about to be, and is not given away.
 */
export const AFTER_LOST_LEASE: Readonly<Partial<Record<ClaimState, readonly ClaimState[]>>> = {
  released: ['settling', 'promised'],
  paid: ['settling'],
};

/** States that a new attempt with the same payment may take over. */
export const CLAIMABLE: readonly ClaimState[] = (Object.keys(CLAIM_TRANSITIONS) as ClaimState[]).filter(
  (state) => state !== 'settling' && CLAIM_TRANSITIONS[state].includes('working'),
);

/** The charge and its rows, as they will be posted. Atoms are a decimal string. */
export interface PendingCapture {
  readonly asset: AssetCode;
  readonly charge: string;
  readonly held: string;
  /** With `PENDING_TRANSACTION` where the hash will be. */
  readonly rows: CompanionRows;
  /** The budget counters that the call's hold weighs on; left out for none. */
  readonly counters?: readonly string[];
  /** The parts of the call's hold, where it is not in one piece. */
  readonly legs?: readonly HeldLeg[];
}

/** A part of a hold: of one grant, or (`null`) of the customer's credit. */
export interface HeldLeg {
  readonly grantId: string | null;
  readonly holdId: string;
  /** Atoms as a decimal string. */
  readonly atoms: string;
}

/** An answer that a repeat of the same request gets again. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface NewClaim {
  readonly key: string;
  readonly scheme: string;
  readonly fingerprint: string;
  readonly callId: string;
  readonly customerId: string | null;
  readonly payment: unknown;
  readonly validBefore: Date | null;
  /** It brings the wallet credit, so a debt of the wallet is no reason to refuse it. */
  readonly despiteDebt?: boolean;
  /** Work is begun only if the payer's balance bears it beside all that is in work at this process; left out: whatever it is. */
  readonly share?: BalanceShare;
  /** Left out: a short lease, renewed while this process works on the claim. */
  readonly leaseSeconds?: number;
}

/** What unfinished claims may cost us. In micro-USDC; `payer` is a lower-case address. */
export interface ExposureLimit {
  readonly payer: string;
  readonly network: string;
  readonly exposure: bigint;
  /** Of the payer's claims together. */
  readonly most: bigint;
  /** Of everybody's claims, and of what wallets owe already; left out for no limit. */
  readonly total?: bigint;
}

/** Why a claim was not taken. */
export type ClaimRefusal = 'taken' | 'owing' | 'over_exposed';

export interface ClaimChange {
  readonly capture?: PendingCapture;
  readonly answer?: KeptAnswer | undefined;
  readonly transaction?: string;
  readonly reason?: string;
  readonly leaseSeconds?: number;
  /** The lease is longer the older the claim is: what waits for the payer, or for nobody, is asked about ever more seldom. */
  readonly backOff?: boolean;
}

/** Larger answers are delivered once and not kept. */
export const MAX_KEPT_BYTES = 16 * 1024 * 1024;

/** Stands in prepared rows for the hash of a transaction that is not known yet. */
export const PENDING_TRANSACTION = '$transaction';

/** Stands in prepared rows for what the network took of the operator, in USD and in coins of the chain. */
export const PENDING_COST: NetworkCost = { networkFee: '$networkFee', gas: '$gas' };

/** The rows with the transaction's hash, and what it cost, in their places; with nothing there when none came of it. */
export function withTransaction(
  rows: CompanionRows,
  transaction: string | null,
  cost: NetworkCost = { networkFee: '0', gas: '0' },
): CompanionRows {
  const places = [
    [PENDING_TRANSACTION, transaction],
    [PENDING_COST.networkFee, cost.networkFee],
    [PENDING_COST.gas, cost.gas],
  ];
  const text = places.reduce(
    (filled, [placeholder, value]) => filled.replaceAll(JSON.stringify(placeholder), JSON.stringify(value)),
    JSON.stringify(rows),
  );
  return JSON.parse(text) as CompanionRows;
}
