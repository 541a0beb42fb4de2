/** A transfer as the chain has it now. */
interface Mined {
  readonly logIndex: number;
  readonly atoms: bigint;
}

/**
 * Which of a transaction's transfers were claimed: the claim of each, in the order of `transfers`. A reorganisation can
 * mine the transaction behind other logs of a block: then a claim is the one of a transfer of the same amount, since one
 * payer's transfers of one amount to one address are alike.
 */
export function claimedAmong<Claim extends Mined>(
  transfers: readonly Mined[],
  claims: readonly Claim[],
): (Claim | undefined)[] {
  const taken = new Map<Mined, Claim>();
  const assign = (fits: (transfer: Mined, claim: Claim) => boolean): void => {
    for (const claim of claims.filter((one) => ![...taken.values()].includes(one))) {
      const transfer = transfers.find((one) => !taken.has(one) && one.atoms === claim.atoms && fits(one, claim));
      if (transfer) taken.set(transfer, claim);
    }
  };
  assign((transfer, claim) => transfer.logIndex === claim.logIndex);
  assign(() => true);
  return transfers.map((transfer) => taken.get(transfer));
}

/**
 * The log that the claim of each transfer is named by. Its own, unless a claim made before a reorganisation has that name:
 * then the log where that claim's transfer is now, and so on. No two claims share a transfer, so this ends, and no two
 * transfers end at one log. Where the transfer behind a name is gone, that name is the answer, and it is taken.
 */
export function claimLogs(transfers: readonly Mined[], claimed: readonly (Mined | undefined)[]): number[] {
  const placeOf = (log: number): number => claimed.findIndex((claim) => claim?.logIndex === log);
  return transfers.map(({ logIndex }, nth) => {
    const named = claimed[nth];
    if (named) return named.logIndex;
    let log = logIndex;
    for (let at = placeOf(log); at >= 0; at = placeOf(log)) log = transfers[at]?.logIndex ?? log;
    return log;
  });
}
