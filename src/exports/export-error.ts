import { BillingError } from '../common/billing-error';

/** Every export keeps a connection and a snapshot: beyond a few, calls would wait for connections. */
export class ExportsBusyError extends BillingError {
  constructor(open: number) {
    super({
      code: 'exports_busy',
      status: 503,
      title: 'Too many exports at once',
      detail: `${open} exports are on their way.`,
      hint: 'Repeat the request after the seconds in Retry-After.',
      headers: { 'retry-after': '5' },
    });
  }
}
