/** `25:1,100:10`: from $25 a bonus of $1, from $100 one of $10. */
export const TIERS = /^$|^\d{1,7}(\.\d\d?)?:\d{1,7}(\.\d\d?)?(,\d{1,7}(\.\d\d?)?:\d{1,7}(\.\d\d?)?)*$/;
/** `usd,eur:1.08`: a euro is credited as $1.08. */
export const CURRENCIES = /^(usd|[a-z]{3}:\d{1,6}(\.\d{1,6})?)(,(usd|[a-z]{3}:\d{1,6}(\.\d{1,6})?))*$/;

/** Stripe counts these in whole units, in thousandths, or with rules of their own: https://docs.stripe.com/currencies */
const NOT_IN_CENTS = new Set(
  'bif clp djf gnf isk jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf bhd jod kwd omr tnd huf twd'.split(' '),
);

/** What customers may pay in, and what a smallest unit (a cent) of it is credited as, in nano-USD. */
export interface CurrencyTerms {
  /** ISO 4217 in lower case. */
  readonly code: string;
  readonly atomsPerMinor: bigint;
}

/** `undefined` for a text that names a currency which is not counted in cents, or one twice. */
export function currenciesIn(text: string): CurrencyTerms[] | undefined {
  const currencies = text.split(',').map((item) => {
    const [code = '', rate = '1'] = item.split(':');
    return { code, atomsPerMinor: scaled(rate, 7) };
  });
  const codes = new Set(currencies.map(({ code }) => code));
  const sound = codes.size === currencies.length && currencies.every(sane);
  return sound ? currencies : undefined;
}

const sane = ({ code, atomsPerMinor }: CurrencyTerms): boolean =>
  !NOT_IN_CENTS.has(code) && atomsPerMinor > 0n && (code !== 'usd' || atomsPerMinor === 10_000_000n);

/** In US cents. */
export function tiersIn(text: string): { fromCents: number; bonusCents: number }[] {
  if (text === '') return [];
  return text.split(',').map((item) => {
    const [from = '0', bonus = '0'] = item.split(':');
    return { fromCents: Number(scaled(from, 2)), bonusCents: Number(scaled(bonus, 2)) };
  });
}

/** A plain decimal as a whole number of `10^-scale`. */
function scaled(text: string, scale: number): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(`${whole}${fraction.padEnd(scale, '0')}`);
}
