import { BillingError } from '../../common/billing-error';
import type { Redemption } from './promo-codes.service';

/** A code that gives this customer nothing, or cannot be made: 409. */
export class PromoCodeError extends BillingError {
  constructor(code: keyof typeof SENTENCES, members: { grantId?: string } = {}) {
    const { detail, hint } = SENTENCES[code];
    super({ code, status: 409, title: 'No credit for this code', detail, hint, members });
  }
}

/** The id of the grant that a redemption brought. @throws PromoCodeError when it brought none. */
export function grantOf(redemption: Redemption): string {
  if (redemption.kind === 'redeemed') return redemption.grantId;
  const members = 'grantId' in redemption ? { grantId: redemption.grantId } : {};
  throw new PromoCodeError(redemption.kind, members);
}

const SENTENCES: Readonly<Record<Exclude<Redemption['kind'], 'redeemed'> | 'promo_code_exists', Sentences>> = {
  promo_code_ended: { detail: 'The code cannot be redeemed any more.', hint: 'Ask whoever gave it for another.' },
  promo_code_exhausted: {
    detail: 'As many customers have redeemed the code as may.',
    hint: 'Ask whoever gave it for another.',
  },
  promo_code_already_redeemed: {
    detail: 'You have redeemed the code before.',
    hint: 'GET /v1/credits/grants?all=true shows what it gave (grantId).',
  },
  promo_code_exists: { detail: 'There is such a code already.', hint: 'Leave code out to get a new one.' },
};

interface Sentences {
  readonly detail: string;
  readonly hint: string;
}
