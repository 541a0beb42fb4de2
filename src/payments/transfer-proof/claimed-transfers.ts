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
