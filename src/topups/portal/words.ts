import { formatMoney, type Money } from '../../common/money';
import type { CreditGrant } from '../../credits/grant';
import type { AutoReloadRule } from '../reload/auto-reload';
import type { ReloadAttempt } from '../reload/reload-attempt';
import type { TopUp, TopUpState } from '../topup';

/** Dollars for people: exact, with cents at least and commas between thousands, such as `$1,024.50`. */
export function dollars(amount: Money): string {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(formatMoney(amount)) ?? [];
  return `${sign}$${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${fraction.padEnd(2, '0')}`;
}

export const moneyInWords = (amount: Money): string =>
  amount.asset === 'USD' ? dollars(amount) : `${formatMoney(amount)} ${amount.asset}`;

export const timeInWords = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** Why nothing is charged, or was not; Stripe's own codes of declines are turned into words as they are. */
export const reasonInWords = (reason: string): string => REASONS[reason] ?? reason.replaceAll('_', ' ');

/** How a rule stands: in two words, and whether somebody has to do something. */
export function standingOf(rule: AutoReloadRule | undefined): { readonly word: string; readonly tone: Tone } {
  if (!rule) return { word: 'Not set up', tone: 'calm' };
  if (!rule.enabled) return { word: 'Paused', tone: 'calm' };
  if (rule.state === 'needs_authentication') return { word: 'Waits for you', tone: 'bad' };
  if (rule.state === 'suspended') return { word: 'Stopped', tone: 'bad' };
  if (rule.reason !== null) return { word: 'Waiting', tone: 'bad' };
  return { word: 'On', tone: 'good' };
}

export const attemptInWords = ({ state }: ReloadAttempt): { readonly word: string; readonly tone: Tone } =>
  ATTEMPTS[state];

export const topUpInWords = ({ state }: TopUp): { readonly word: string; readonly tone: Tone } => TOP_UPS[state];

export const grantInWords = ({ origin }: Pick<CreditGrant, 'origin'>): string => ORIGINS[origin];

/** `bad`: somebody has to do something about it. */
export type Tone = 'good' | 'bad' | 'calm';

const REASONS: Readonly<Record<string, string>> = {
  authentication_required: 'your bank wants you to confirm the payment',
  cap_reached: 'the most that may be charged in this day or month has been charged',
  insufficient_funds: 'the card had not enough money',
  link_expired: 'the page to confirm the payment was not used in time',
  never_reached: 'the card processor never got the payment',
  no_card: 'there was no card that may be charged',
  not_wanted: 'it was not needed any more',
  page_payment_failed: 'the payment on the page was refused',
  payment_disputed: 'an earlier payment is disputed with the bank',
  processor_unreachable: 'the card processor did not answer; it is asked again',
  tax_is_added: 'tax is added to payments here, which needs somebody on the payment page',
};

const ATTEMPTS: Readonly<Record<ReloadAttempt['state'], { readonly word: string; readonly tone: Tone }>> = {
  planned: { word: 'Planned', tone: 'calm' },
  charging: { word: 'Charging', tone: 'calm' },
  in_doubt: { word: 'Being checked', tone: 'calm' },
  processing: { word: 'On its way', tone: 'calm' },
  needs_authentication: { word: 'Waits for you', tone: 'bad' },
  succeeded: { word: 'Added', tone: 'good' },
  failed: { word: 'Not charged', tone: 'bad' },
};

const TOP_UPS: Readonly<Record<TopUpState, { readonly word: string; readonly tone: Tone }>> = {
  pending: { word: 'Not paid yet', tone: 'calm' },
  processing: { word: 'On its way', tone: 'calm' },
  paid: { word: 'Paid', tone: 'good' },
  failed: { word: 'Not paid', tone: 'calm' },
  expired: { word: 'Expired', tone: 'calm' },
  refunded: { word: 'Paid back', tone: 'calm' },
  disputed: { word: 'Disputed', tone: 'bad' },
};

const ORIGINS: Readonly<Record<CreditGrant['origin'], string>> = {
  topup: 'Top-up',
  extra: 'Top-up',
  bonus: 'Bonus',
  usdc: 'Top-up in USDC',
  code: 'Promotion code',
  manual: 'Given by the operator',
  suspense: 'Payment that was found',
  correction: 'Balance from before',
};
