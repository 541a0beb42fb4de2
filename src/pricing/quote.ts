import { InvalidRequestError } from '../common/billing-error';
import { ceilDivide, divideHalfUp, formatAtoms, type Money, usd } from '../common/money';
import { METERS, type Meter, type Quantities } from '../metering/usage';
import type { Price, Rates } from './price';

/** A frozen price and a ceiling for one call. What is charged later is computed from this price alone. */
export interface Quote {
  readonly price: Price;
  /** The most that the call should cost, in nano-USD, rounded up. */
  readonly ceiling: Money;
  /** What the ceiling is made of. */
  readonly estimate: Quantities;
  /** `size:quality` of the images asked for, which chooses their unit price. */
  readonly imageClass: string | undefined;
}

/** One meter on an invoice: quantity × unit price = exact amount. */
export interface ChargeLine {
  readonly meter: Meter;
  readonly quantity: string;
  /** In nano-USD per `per` units. */
  readonly unitPriceNano: string;
  readonly per: '1' | '1000000';
  /** In USD, exact to the femto-USD: lines are never rounded. */
  readonly amount: string;
}

export interface Charge {
  /** In nano-USD: the sum of the lines, rounded once, half up. */
  readonly amount: Money;
  readonly lines: readonly ChargeLine[];
}

const MILLION = 1_000_000n;
/** $1 billion: nobody means it, and a column of the ledger holds $9 billion. */
const MAX_CEILING_ATOMS = 1_000_000_000_000_000_000n;

/**
 * The ceiling of a call: each kind of input at its dearest rate, since nobody knows before the call how much of it
 * is cached. Rounded up to the nano-USD, so that no usage within the estimate can cost more.
 * @throws InvalidRequestError `call_too_large` when it is more than can be paid.
 */
export function quoteFor(price: Price, estimate: Quantities, imageClass?: string): Quote {
  const femto = METERS.reduce(
    (sum, meter) => sum + (estimate[meter] ?? 0n) * dearestRate(price.rates, meter, imageClass),
    0n,
  );
  const ceiling = usd(ceilDivide(femto, MILLION));
  if (ceiling.atoms <= MAX_CEILING_ATOMS) return { price, ceiling, estimate, imageClass };
  throw new InvalidRequestError({
    code: 'call_too_large',
    detail: 'This call could cost more than one billion dollars.',
    hint: 'Ask for fewer answers, images or output tokens.',
  });
}

/** What the usage costs by the quote's price. The only rounding of a charge in the product. */
export function chargeFor(quote: Quote, quantities: Quantities): Charge {
  const lines: ChargeLine[] = [];
  let femto = 0n;
  for (const meter of METERS) {
    const quantity = quantities[meter] ?? 0n;
    const rate = rateOf(quote.price.rates, meter, quote.imageClass);
    if (quantity === 0n || rate === undefined) continue;
    femto += quantity * rate;
    lines.push({
      meter,
      quantity: quantity.toString(),
      unitPriceNano: (isPerMillion(meter) ? rate : rate / MILLION).toString(),
      per: isPerMillion(meter) ? '1000000' : '1',
      amount: formatAtoms(quantity * rate, 15),
    });
  }
  return { amount: usd(divideHalfUp(femto, MILLION)), lines };
}

/** In femto-USD per unit; `undefined` when the price does not charge for this meter. */
function rateOf(rates: Rates, meter: Meter, imageClass: string | undefined): bigint | undefined {
  switch (meter) {
    case 'input':
      return rates.inputNanoPerMillion;
    case 'cached_input':
      return rates.cachedInputNanoPerMillion ?? rates.inputNanoPerMillion;
    case 'cache_write':
      return rates.cacheWriteNanoPerMillion ?? rates.inputNanoPerMillion;
    case 'output':
      return rates.outputNanoPerMillion;
    case 'reasoning':
      return rates.reasoningNanoPerMillion ?? rates.outputNanoPerMillion;
    case 'image':
      return perUnit(imageRate(rates, imageClass));
    case 'request':
      return perUnit(rates.perRequestNano);
    case 'second':
      return perUnit(rates.perSecondNano);
  }
}

function dearestRate(rates: Rates, meter: Meter, imageClass: string | undefined): bigint {
  const alternatives: readonly Meter[] =
    meter === 'input'
      ? ['input', 'cached_input', 'cache_write']
      : meter === 'output'
        ? ['output', 'reasoning']
        : [meter];
  return alternatives.reduce((dearest, alternative) => {
    const rate = rateOf(rates, alternative, imageClass) ?? 0n;
    return rate > dearest ? rate : dearest;
  }, 0n);
}

/** The most specific image price: `1024x1024:hd`, then `1024x1024`, then `default`. */
function imageRate(rates: Rates, imageClass = 'default'): bigint | undefined {
  const prices = rates.perImageNano ?? {};
  const [size = ''] = imageClass.split(':');
  // The caller names the class: "constructor" must not find what every object inherits.
  const named = [imageClass, size, 'default'].find((name) => Object.hasOwn(prices, name));
  return named === undefined ? undefined : prices[named];
}

const perUnit = (nano: bigint | undefined): bigint | undefined => (nano === undefined ? undefined : nano * MILLION);
const isPerMillion = (meter: Meter): boolean => meter !== 'image' && meter !== 'request' && meter !== 'second';
