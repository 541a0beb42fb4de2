/** Currencies without a smaller unit: https://docs.stripe.com/currencies#zero-decimal */
const WHOLE_UNITS = new Set([
  ...['bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd', 'vuv', 'xaf', 'xof', 'xpf'],
]);
const MILLION = 1_000_000n;

/** How many digits the smallest unit is below the whole one. */
export function decimalsOf(currency: string): 0 | 2 {
  return WHOLE_UNITS.has(currency) ? 0 : 2;
}

/**
 * `amount` (smallest unit of `from`) in the smallest unit of `to`, where one whole unit of `from` is worth `rate` whole
 * units of `to`; `rate` counts to the sixth digit, halves round away from zero.
 */
export function convert(amount: number, from: string, to: string, rate: number): number {
  const micros = BigInt(Math.round(rate * 1_000_000));
  const scaled = BigInt(Math.abs(amount)) * micros * 10n ** BigInt(decimalsOf(to));
  const unit = MILLION * 10n ** BigInt(decimalsOf(from));
  const converted = Number((scaled * 2n + unit) / (unit * 2n));
  return amount < 0 ? -converted : converted;
}
