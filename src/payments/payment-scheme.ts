import type { Money } from '../common/money';
import type { CompanionRows } from '../ledger/companion-rows';
import type { Charge, Quote } from '../pricing/quote';
import type { Claim, KeptAnswer } from './claim';
import type { PaymentRequirements } from './payment-requirements';
import type { Refusal } from './refusal';

export type { PaymentRequirements };

/** One way to pay. A scheme is a folder; adding one is adding a folder and a line in `payments.module.ts`. */
export interface PaymentScheme {
  /** Unique here; schemes that share a name on the wire differ in it. */
  readonly name: string;
  /** The rows that this scheme adds to `accepts` in a 402 answer; none when it cannot be offered there. */
  requirements(work: Work): readonly PaymentRequirements[];
  /** Fields of `extensions` in a 402 that belong to this scheme alone, such as `eip2612GasSponsoring`. */
  extensions?(work: Work): Readonly<Record<string, unknown>>;
  /** Further members of a 402's JSON body for this request, such as plain transfer instructions. */
  members?(work: Work): Readonly<Record<string, unknown>>;
  /**
   * Whose payment it is, by its signature alone: no balance, no claim. `undefined` when it is not good, or when the
   * scheme knows no payer. Never throws.
   */
  prove?(payment: PaymentPayload, work: Work): Promise<string | undefined>;
  /** What a settled claim was answered with, and the headers of its settlement; `undefined` when it is not kept. */
  answerTo?(claim: Claim): KeptAnswer | undefined;
  /** This scheme's payment in a request, not yet checked; `undefined` when it carries none. */
  find(headers: RequestHeaders): PaymentPayload | undefined;
  /** Checks the payment and claims it before any work: whoever comes second gets the first one's answer. */
  hold(payment: PaymentPayload, work: Work): Promise<HoldOutcome>;
  /** Takes the charge, at most what the scheme allows above the hold, and frees the rest. Safe to repeat. */
  capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome>;
  /** Frees the whole hold: nothing was delivered. Safe to repeat. */
  release(hold: Hold, failure: Failure): Promise<void>;
}

/** What is asked for, before it is paid. */
export interface Work {
  /** A UUIDv7: also the id of the hold and of the usage record. */
  readonly callId: string;
  readonly quote: Quote;
  readonly resource: { readonly url: string; readonly description: string; readonly mimeType: string };
  readonly model: string;
  readonly stream: boolean;
  /** Whether a verified claim is enough for an answer, where a scheme has the choice; left out for no. */
  readonly answersAfterClaim?: boolean;
  /** Method, path and body as one hash: a payment is bound to the request that it came with. */
  readonly fingerprint: string;
  readonly idempotencyKey: string | undefined;
  readonly headers: RequestHeaders;
}

export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** As the scheme found it in the headers; only the scheme looks inside. */
export interface PaymentPayload {
  readonly scheme: string;
  /** x402 extensions of a payment that is in no x402 header. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

export type HoldOutcome =
  | { readonly kind: 'held'; readonly hold: Hold }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The same payment for the same request was answered before. */
  | { readonly kind: 'replay'; readonly answer: KeptAnswer }
  /** The payment asks for something that the scheme does itself, such as a refund: there is no work to do. */
  | { readonly kind: 'answered'; readonly answer: KeptAnswer };

/** Money that is spoken for. Plain data with a row behind it, so that a crash leaves something a job can find. */
export interface Hold {
  readonly callId: string;
  readonly scheme: string;
  readonly customerId: string;
  readonly apiKeyId: string | null;
  readonly payer: string | null;
  readonly amount: Money;
  /** Whether a charge never takes more than `amount`. */
  readonly capped: boolean;
  /** The claim under which the answer is kept for repeats of the same request; `null` when none is. */
  readonly claimKey: string | null;
  /** Response headers that can be sent before the capture: what was settled before the work. */
  readonly headers: Readonly<Record<string, string>>;
  /** Further ones with which a stream begins: of a settlement that is still to come. */
  readonly streamHeaders?: Readonly<Record<string, string>>;
  /** What the request says of its payment without proof, such as the wallet's name: shown on the invoice. */
  readonly hints?: Readonly<Record<string, string>>;
}

/** What was delivered for a hold, and the rows that are written with its capture. */
export interface Delivery {
  readonly charge: Charge;
  readonly rows: (paid: Paid) => CompanionRows;
  /** Kept, when the hold is claimed, before any money moves. */
  readonly answer: KeptAnswer | undefined;
  /** It has left already, as a stream does: it is charged, or owed, whoever has its claim by now. */
  readonly delivered?: boolean;
}

export interface Failure {
  readonly code: string;
  /** Rows that say that nothing was charged. */
  readonly rows: (paid: Paid) => CompanionRows;
}

/** What the rows of a call need to know of its payment. */
export interface Paid {
  /** In the asset that was paid with. */
  readonly charge: Money;
  readonly held: Money;
  readonly evidence: Readonly<Record<string, string>>;
  readonly paymentId: string | null;
  readonly network: string | null;
  readonly transaction: string | null;
}

export type CaptureOutcome =
  | { readonly kind: 'captured'; readonly receipt: Receipt }
  /** The money did not come, or it is not known yet: the answer is withheld. */
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** What the payer gets back. */
export interface Receipt {
  readonly charge: Money;
  /** What the customer can spend now; `undefined` where it is nobody's business. */
  readonly balance: Money | undefined;
  /** Response headers of the protocol, such as `PAYMENT-RESPONSE`. */
  readonly headers: Readonly<Record<string, string>>;
}
