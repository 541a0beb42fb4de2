import { isOutage } from '../../common/outage';
import { CardProcessorError } from '../topup-error';

/** Whether nothing is wrong with what was being done: Stripe or the database cannot be asked at this moment. */
export const isStripeAway = (error: unknown): boolean =>
  isOutage(error) || (error instanceof CardProcessorError && error.status === 503);
