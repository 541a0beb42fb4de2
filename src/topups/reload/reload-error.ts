import { BillingError } from '../../common/billing-error';

/** The operator collects tax, and a card that is charged without its holder has no address to tax by: 501. */
export class ReloadWithTaxError extends BillingError {
  constructor() {
    super({
      code: 'auto_reload_unavailable',
      status: 501,
      title: 'No auto-reload',
      detail: 'This server adds tax to top-ups, which auto-reload cannot do yet.',
      hint: 'Top up on the page: POST /v1/topups.',
    });
  }
}
