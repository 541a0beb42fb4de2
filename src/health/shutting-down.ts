import { BillingError } from '../common/billing-error';

/** A call that came after the signal to end: another replica takes it. */
export class ShuttingDownError extends BillingError {
  constructor() {
    super({
      code: 'shutting_down',
      status: 503,
      title: 'Try again',
      detail: 'This process is ending and takes no further calls. Nothing was done, nothing was charged.',
      hint: 'Send the request again.',
      headers: { 'retry-after': '1', connection: 'close' },
    });
  }
}
