import { usd } from '../../common/money';
import { endOf, newPromoCode, normalised, PROMO_CODE, type PromoCode, refusalOf } from './promo-code';

const NOW = new Date('2026-11-23T12:00:00Z');
const CODE: PromoCode = {
  code: 'WELCOME-2026',
  amount: usd(5n),
  cap: 2,
  redeemed: 1,
  validUntil: NOW,
  expiresDays: 30,
  priority: 40,
  models: null,
  createdAt: NOW,
  endedAt: null,
};

it.each<[Partial<PromoCode>, string | undefined]>([
  [{}, undefined],
  [{ validUntil: null }, undefined],
  [{ validUntil: new Date(NOW.getTime() - 1) }, 'promo_code_ended'],
  [{ endedAt: NOW }, 'promo_code_ended'],
  [{ redeemed: 2 }, 'promo_code_exhausted'],
  [{ redeemed: 2, endedAt: NOW }, 'promo_code_ended'],
])('%j: %s', (change, refusal) => {
  expect(refusalOf({ ...CODE, ...change }, NOW)).toBe(refusal);
});

it('gives credit that lasts whole days of 24 hours', () => {
  expect(endOf(CODE, NOW)).toEqual(new Date('2026-12-23T12:00:00Z'));
  expect(endOf({ expiresDays: null }, NOW)).toBeNull();
});

it('is made so that it can be typed, and never twice', () => {
  const codes = Array.from({ length: 1000 }, newPromoCode);
  expect(new Set(codes).size).toBe(1000);
  for (const code of codes) {
    expect(code).toMatch(/^([2-9A-HJKMNP-TW-Z]{4}-){3}[2-9A-HJKMNP-TW-Z]{4}$/);
    expect(code).toMatch(PROMO_CODE);
  }
});

it.each([' welcome-2026 ', 'Welcome-2026'])('reads %j', (text) => {
  expect(text).toMatch(PROMO_CODE);
  expect(normalised(text)).toBe('WELCOME-2026');
});

it.each(['', 'short12', '-WELCOME-2026', 'WELCOME 2026', `A${'-'.repeat(40)}Z`, 'WELCOME_2026'])(
  'refuses %j',
  (text) => {
    expect(text).not.toMatch(PROMO_CODE);
  },
);
