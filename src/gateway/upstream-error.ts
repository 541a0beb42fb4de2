import { BillingError } from '../common/billing-error';

/** The upstream failed before its first byte: the hold is released and nothing is charged. */
export class UpstreamFailedError extends BillingError {
  constructor(data: { status?: number; cause?: unknown; retryAfter?: string | undefined }) {
    const busy = data.status === 429 || data.status === 503;
    super({
      code: busy ? 'upstream_busy' : 'upstream_failed',
      status: busy ? 503 : 502,
      title: 'The model server did not answer',
      detail:
        data.status === undefined
          ? 'The model server could not be reached.'
          : `The model server answered ${data.status}.`,
      hint: 'Nothing was charged. Repeat the request.',
      headers: busy ? { 'retry-after': data.retryAfter ?? '1' } : {},
      cause: data.cause,
    });
  }
}
