/** A transfer of one transaction to (negative: from) one address of ours. */
export interface TransferSide {
  readonly logIndex: number;
  readonly atoms: bigint;
}

/** What an entry says that the same transaction brought (negative: took from) the same address. */
export interface Booking {
  readonly entryId: bigint;
  readonly atoms: bigint;
  /** The entry that it takes back. */
  readonly corrects: bigint | null;
  /** A reorganisation took the transfer: no transfer stands for this entry itself. */
  readonly isReversal: boolean;
}

export interface Matches {
  readonly pairs: readonly { readonly logIndex: number; readonly entryId: bigint }[];
  /** Entries that took each other back: nothing of them is on the chain. */
  readonly cancelled: readonly bigint[];
}

/**
 * Which entry tells of which transfer, of one transaction and one address. The newest entry counts first: where an
 * amount was booked, taken back and booked again, it is the last one that stands.
 */
export function matchUp(transfers: readonly TransferSide[], bookings: readonly Booking[]): Matches {
  const cancelled: bigint[] = [];
  let left = bookings.toSorted((a, b) => (a.entryId < b.entryId ? 1 : -1));
  const cancel = (one: Booking, other: Booking): void => {
    cancelled.push(one.entryId, other.entryId);
    left = left.filter((booking) => booking !== one && booking !== other);
  };
  for (const correction of left) {
    const corrected = left.find(({ entryId }) => entryId === correction.corrects);
    if (corrected && corrected.atoms === -correction.atoms) cancel(correction, corrected);
  }
  const pairs: { logIndex: number; entryId: bigint }[] = [];
  for (const { logIndex, atoms } of transfers) {
    const booking = left.find((one) => one.atoms === atoms && !one.isReversal);
    if (!booking) continue;
    pairs.push({ logIndex, entryId: booking.entryId });
    left = left.filter((one) => one !== booking);
  }
  // Money may come and go in one transaction: only a reversal is known to stand against another entry.
  for (const reversal of left.filter(({ isReversal }) => isReversal)) {
    const reversed = left.find(({ atoms, entryId }) => atoms === -reversal.atoms && entryId < reversal.entryId);
    if (reversed) cancel(reversal, reversed);
  }
  return { pairs, cancelled };
}
