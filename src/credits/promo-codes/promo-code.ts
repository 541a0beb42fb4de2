import { randomInt } from 'node:crypto';
import type { Money } from '../../common/money';

/** A word that gives promotional credit: once to a customer, and to so many customers. */
export interface PromoCode {
  /** In capitals. */
  readonly code: string;
  /** What each customer gets, in USD. */
  readonly amount: Money;
  readonly cap: number;
  readonly redeemed: number;
  readonly validUntil: Date | null;
  /** How long the credit lasts once it is given; `null` for ever. */
  readonly expiresDays: number | null;
  readonly priority: number;
  /** Which the credit pays for; `null` for all. */
  readonly models: readonly string[] | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

export type PromoCodeRefusal = 'promo_code_ended' | 'promo_code_exhausted';

/** Why nobody may redeem it any more. */
export function refusalOf(code: PromoCode, now: Date): PromoCodeRefusal | undefined {
  if (code.endedAt !== null || (code.validUntil !== null && code.validUntil < now)) return 'promo_code_ended';
  return code.redeemed >= code.cap ? 'promo_code_exhausted' : undefined;
}

/** When credit that a code gives now ends. */
export const endOf = ({ expiresDays }: Pick<PromoCode, 'expiresDays'>, now: Date): Date | null =>
  expiresDays === null ? null : new Date(now.getTime() + expiresDays * A_DAY_MS);

/**
 * One that nobody can guess: 78 random bits. Whoever tries a thousand codes a second for the life of the product finds
 * none, so guesses need not be counted. A code of somebody's own choosing is as public as the poster it is on; its cap
 * says what that can cost.
 */
export const newPromoCode = (): string =>
  Array.from({ length: 4 }, () => Array.from({ length: 4 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')).join(
    '-',
  );

/** As it is kept, however it was typed. */
export const normalised = (text: string): string => text.trim().toUpperCase();

/** Letters, digits and dashes, 8 to 40 of them, in any case. */
export const PROMO_CODE = /^\s*[A-Za-z0-9][A-Za-z0-9-]{6,38}[A-Za-z0-9]\s*$/;

const A_DAY_MS = 86_400_000;
/** Without those that are read as another: 0 O, 1 I L, U V. */
const ALPHABET = '23456789ABCDEFGHJKMNPQRSTWXYZ';
