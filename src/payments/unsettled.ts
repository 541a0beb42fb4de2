/** What is known of a payment that was to be settled, is unspent, and is in no transaction that may still be mined. */
export interface Unsettled {
  /** A transaction that carried it was broadcast: its signature is for everybody to see. */
  readonly shown: boolean;
  /** Whether whoever sees the signature may send it (EIP-3009), as opposed to our own keys (`upto`). */
  readonly byAnybody: boolean;
  /** The answer has left already, so the money is wanted for as long as it may come. */
  readonly answered: boolean;
  /** By the chain's own clock: no block to come includes it. */
  readonly lapsed: boolean;
}

/**
 * Whether it is given up: a call that was not answered is refused with a 402 then, one that was answered is owed. What
 * made a transaction revert may pass (a balance, an allowance, a paused token), so as long as the payment is valid it is
 * tried again where the answer has left; and where anybody could still send it, nobody is asked to pay again.
 */
export const isGivenUp = ({ shown, byAnybody, answered, lapsed }: Unsettled): boolean =>
  lapsed || !(answered || (shown && byAnybody));
