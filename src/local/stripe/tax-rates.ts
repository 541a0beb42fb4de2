/** Hundredths of a percent, by country, or by country and state: a stub of https://docs.stripe.com/tax */
const RATES: Record<string, number> = {
  ...{ AT: 2000, BE: 2100, BG: 2000, CY: 1900, CZ: 2100, DE: 1900, DK: 2500, EE: 2400, ES: 2100, FI: 2550, FR: 2000 },
  ...{ GR: 2400, HR: 2500, HU: 2700, IE: 2300, IT: 2200, LT: 2100, LU: 1700, LV: 2100, MT: 1800, NL: 2100, PL: 2300 },
  ...{ PT: 2300, RO: 2100, SE: 2500, SI: 2200, SK: 2300 },
  ...{ AU: 1000, CA: 500, CH: 810, GB: 2000, JP: 1000, NO: 2500, NZ: 1500, SG: 900 },
  ...{ 'US-NY': 400, 'US-PA': 600, 'US-TX': 625, 'US-WA': 650 },
};
const EU = new Set('AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' '));
const WHOLE = 10_000;

export interface TaxPayer {
  country: string;
  state: string | null;
  exempt: 'exempt' | 'none' | 'reverse';
  /** A tax id of a business: in the EU, and in the United Kingdom, it then owes the tax itself. */
  hasTaxId: boolean;
}

/**
 * The rate that this payer is charged, in hundredths of a percent. Nothing without a registration where they live:
 * https://docs.stripe.com/tax/registering. `registered` are countries, `US-TX` for a state, and `EU` for all of it.
 */
export function taxRate(payer: TaxPayer, registered: ReadonlySet<string>): number {
  const { country, state, exempt, hasTaxId } = payer;
  const place = country === 'US' ? `US-${state ?? ''}` : country;
  if (!registered.has(place) && !(EU.has(country) && registered.has('EU'))) return 0;
  if (exempt !== 'none' || (hasTaxId && (EU.has(country) || country === 'GB'))) return 0;
  return RATES[place] ?? 0;
}

/** The tax on `amount`, in the smallest unit, halves up; an inclusive amount has it in it. */
export function taxOn(amount: number, rate: number, inclusive: boolean): number {
  const base = inclusive ? WHOLE + rate : WHOLE;
  return Math.floor((amount * rate * 2 + base) / (base * 2));
}
