/** A card that a customer has saved at Stripe: we keep nothing of it. */
export interface SavedCard {
  /** `pm_…` */
  readonly id: string;
  readonly brand: string;
  readonly last4: string;
  readonly expiresMonth: number;
  readonly expiresYear: number;
  /** The same for the same number, whenever it is saved again; Stripe has it for cards of almost every kind. */
  readonly fingerprint: string | null;
  /** What the customer chose; the newest, when it chose none. */
  readonly isDefault: boolean;
}

/**
 * The card to charge without its holder: the default, or if that is among the `refused` (fingerprints), the newest
 * other. `cards` newest first.
 */
export function cardToCharge(cards: readonly SavedCard[], refused: ReadonlySet<string>): SavedCard | undefined {
  const usable = cards.filter(({ fingerprint }) => fingerprint === null || !refused.has(fingerprint));
  return usable.find(({ isDefault }) => isDefault) ?? usable[0];
}
