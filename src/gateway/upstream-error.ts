import { BillingError } from '../common/billing-error';

/** The upstream failed before its first byte: the hold is released and nothing is charged. */
export class UpstreamFailedError extends BillingError {
  constructor(private readonly data: UpstreamFailure) {
    const busy = data.status === 429 || data.status === 503;
    super({
      code: busy ? 'upstream_busy' : 'upstream_failed',
      status: busy ? 503 : 502,
      title: 'The model server did not answer',
      detail:
        data.status === undefined
          ? 'The model server could not be reached.'
          : `The model server answered ${data.status}.`,
      hint: data.settled
        ? 'The payment is settled and is your credit: repeat the very same request with the same payment.'
        : 'Nothing was charged. Repeat the request.',
      headers: { ...data.settled, ...(busy ? { 'retry-after': data.retryAfter ?? '1' } : {}) },
      cause: data.cause,
    });
  }

  /** The same failure of a call that was settled before its work: its payment's headers go with it. */
  afterSettlement(headers: Readonly<Record<string, string>>): UpstreamFailedError {
    return new UpstreamFailedError({ ...this.data, settled: headers });
  }
}

interface UpstreamFailure {
  readonly status?: number;
  readonly cause?: unknown;
  readonly retryAfter?: string | undefined;
  /** `PAYMENT-RESPONSE` of a payment that was settled before. */
  readonly settled?: Readonly<Record<string, string>>;
}
