/** A card payment on the books, and what went back of it already. All in nano-USD. */
export interface ReversiblePayment {
  readonly paymentIntentId: string;
  readonly topUpId: string | null;
  /** `null` for a payment in suspense. */
  readonly customerId: string | null;
  readonly gross: bigint;
  readonly tax: bigint;
  /** Off the payer's credit by refunds that have not failed and disputes that are lost. */
  readonly returned: bigint;
  readonly returnedTax: bigint;
  /** Promotional credit that came with it, and how much of that is voided. */
  readonly bonus: bigint;
  readonly voidedBonus: bigint;
  /** The credit it brought, and the bonus beside it. */
  readonly grantId: string | null;
  readonly bonusGrantId: string | null;
  /** The hold behind which what is left of it waits. */
  readonly frozenBy: string | null;
  /** It is from before there were grants: other payments of its customer are parts of the same grant, and of its hold. */
  readonly isShared: boolean;
  /** What is left of the others whose banks have doubts. */
  readonly doubtedBeside: bigint;
}

/** What a part of a payment is made of. */
export interface Part {
  readonly gross: bigint;
  readonly tax: bigint;
  readonly credit: bigint;
  /** Of the bonus, as far as somebody has it still. */
  readonly bonus: bigint;
}

/**
 * A further `gross` of the payment goes back. Tax and bonus go with it by their share of all that went back until then,
 * less what is back already: parts of any size add up to the whole, whatever was rounded on the way.
 */
export function partOf(payment: ReversiblePayment, gross: bigint): Part {
  const { returned, returnedTax, voidedBonus } = payment;
  const reached = returned + gross < payment.gross ? returned + gross : payment.gross;
  const tax = between(0n, share(payment.tax, reached, payment.gross) - returnedTax, gross);
  const bonus = between(0n, share(payment.bonus, reached, payment.gross) - voidedBonus, payment.bonus);
  return { gross, tax, credit: gross - tax, bonus };
}

/** The credit that is left of it, after what went back. */
export const creditLeft = ({ gross, tax, returned, returnedTax }: ReversiblePayment): bigint =>
  gross - returned - (tax - returnedTax);

/**
 * How many smallest units of what was paid may go back when `free` of its credit is not used.
 * @param total What was paid, in these units.
 */
export function refundableOf(payment: ReversiblePayment, total: bigint, free: bigint): bigint {
  let [least, most] = [0n, total - ceilShare(total, payment.returned, payment.gross)];
  while (least < most) {
    const middle = (least + most + 1n) / 2n;
    if (partOf(payment, grossOf(payment, total, middle)).credit <= free) least = middle;
    else most = middle - 1n;
  }
  return least > 0n ? least : 0n;
}

/** So many of the `total` smallest units that were paid, in nano-USD. */
export const grossOf = ({ gross }: Pick<ReversiblePayment, 'gross'>, total: bigint, minor: bigint): bigint =>
  share(gross, minor, total);

const share = (whole: bigint, part: bigint, of: bigint): bigint => (whole * part) / of;
const ceilShare = (whole: bigint, part: bigint, of: bigint): bigint => (whole * part + of - 1n) / of;

function between(least: bigint, value: bigint, most: bigint): bigint {
  if (value < least) return least;
  return value > most ? most : value;
}
