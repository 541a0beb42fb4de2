import type { Money } from '../../common/money';
import type { CompanionRows } from '../../ledger/companion-rows';
import type { Claim, HeldLeg, PendingCapture } from '../claim';

/** What is taken for one call. */
export interface CreditCharge {
  readonly callId: string;
  readonly customerId: string;
  readonly held: Money;
  readonly charge: Money;
  readonly rows: CompanionRows;
  /** The budget counters that its hold weighs on; none, when left out. */
  readonly counters?: readonly string[] | undefined;
  /** The parts of its hold, in the order in which they are charged; left out, it is in one piece. */
  readonly legs?: readonly HeldLeg[] | undefined;
}

/** As it is kept with a claim. */
export const pendingCapture = ({ held, charge, rows, counters = [], legs }: CreditCharge): PendingCapture => ({
  asset: charge.asset,
  charge: charge.atoms.toString(),
  held: held.atoms.toString(),
  rows,
  ...(counters.length === 0 ? {} : { counters }),
  ...(legs === undefined ? {} : { legs }),
});

/** What a claim keeps of a charge. @throws when nothing is kept with it. */
export function pendingCharge({ capture, customerId, callId }: Claim): CreditCharge {
  if (capture === null || customerId === null) throw new Error('what to charge is not kept with the claim');
  const { asset, rows, counters, legs } = capture;
  const charge = { asset, atoms: BigInt(capture.charge) };
  return { callId, customerId, held: { asset, atoms: BigInt(capture.held) }, charge, rows, counters, legs };
}
