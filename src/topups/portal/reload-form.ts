import { type Money, usd } from '../../common/money';
import type { AutoReloadTerms } from '../reload/auto-reload';
import { centsToUsd } from '../topup';
import { dollars } from './words';

export const RELOAD_FIELDS = ['threshold', 'amount', 'dayCap', 'monthCap'] as const;
export type ReloadField = (typeof RELOAD_FIELDS)[number];

/** What somebody typed, to be shown again beside what is wrong with it. */
export type TypedReload = Readonly<Record<ReloadField, string>>;
export type ReloadFaults = Readonly<Partial<Record<ReloadField, string>>>;

/** One field of a form that was sent, whatever was sent in its place. */
export function fieldOf(body: unknown, name: string): string {
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
  return typeof value === 'string' ? value.trim().slice(0, 100) : '';
}

/** The terms that the form asks for, switched on; or for each field, in a sentence, what it should be. Dollars. */
export function readReloadForm(
  body: unknown,
  bounds: { readonly minCents: number; readonly maxCents: number },
): { readonly terms: AutoReloadTerms } | { readonly typed: TypedReload; readonly faults: ReloadFaults } {
  const [threshold, amount, dayCap, monthCap] = RELOAD_FIELDS.map((name) => amountIn(fieldOf(body, name)));
  const [least, most] = [centsToUsd(bounds.minCents), centsToUsd(bounds.maxCents)];
  const faults: Partial<Record<ReloadField, string>> = {};
  if (!threshold || threshold === NOTHING) faults.threshold = 'Write an amount in dollars, such as 10.';
  if (!amount || amount === NOTHING || amount.atoms < least.atoms || amount.atoms > most.atoms) {
    faults.amount = `Write an amount from ${dollars(least)} to ${dollars(most)}.`;
  }
  const capFault = 'Write an amount that is not below what is added each time, or leave this empty.';
  const isTooLow = (cap: Typed) =>
    !cap || (cap !== NOTHING && amount && amount !== NOTHING && cap.atoms < amount.atoms);
  if (isTooLow(dayCap)) faults.dayCap = capFault;
  if (isTooLow(monthCap)) faults.monthCap = capFault;
  if (Object.keys(faults).length > 0) return { typed: typedIn(body), faults };
  return {
    terms: {
      enabled: true,
      threshold: given(threshold) ?? usd(0n),
      amount: given(amount) ?? least,
      dayCap: given(dayCap),
      monthCap: given(monthCap),
    },
  };
}

/** A rule as the form shows it. */
export const typedOf = (terms: AutoReloadTerms): TypedReload => ({
  threshold: plain(terms.threshold),
  amount: plain(terms.amount),
  dayCap: terms.dayCap ? plain(terms.dayCap) : '',
  monthCap: terms.monthCap ? plain(terms.monthCap) : '',
});

const NOTHING = 'nothing';
/** `undefined`: no amount at all. */
type Typed = Money | typeof NOTHING | undefined;

const typedIn = (body: unknown): TypedReload => ({
  threshold: fieldOf(body, 'threshold'),
  amount: fieldOf(body, 'amount'),
  dayCap: fieldOf(body, 'dayCap'),
  monthCap: fieldOf(body, 'monthCap'),
});

const given = (typed: Typed): Money | null => (typed && typed !== NOTHING ? typed : null);

/** Whole cents below a million dollars; a dollar sign and separators of thousands are no mistake. */
function amountIn(text: string): Typed {
  if (text === '') return NOTHING;
  const [, whole, cents = ''] = /^\$?(\d{1,6})(?:\.(\d{1,2}))?$/.exec(text.replaceAll(',', '')) ?? [];
  return whole === undefined ? undefined : centsToUsd(Number(whole) * 100 + Number(cents.padEnd(2, '0')));
}

const plain = (amount: Money): string => dollars(amount).slice(1).replaceAll(',', '');
