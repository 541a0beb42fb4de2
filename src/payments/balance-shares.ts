/** What one claim takes of its payer's balance. In atoms of the token; `payer` names the network too. */
export interface BalanceShare {
  readonly payer: string;
  readonly atoms: bigint;
  /** What the payer was seen to have. */
  readonly balance: bigint;
}

/**
 * What the claims in work at this process will take from their payers' balances. A thousand payments signed over one
 * coin are all valid until the first is settled: work is begun for as many as the coin pays for. Kept in memory, so that
 * a paid call asks nobody: with several replicas a payer gets this much work at each of them, and no answer unpaid.
 */
export class BalanceShares {
  private readonly ofPayers = new Map<string, Map<string, { atoms: bigint; users: number }>>();

  /** A function that gives the share back, to be called once; `undefined` when the balance does not bear it. Copies of one claim share. */
  take(key: string, { payer, atoms, balance }: BalanceShare): (() => void) | undefined {
    const shares = this.ofPayers.get(payer) ?? new Map<string, { atoms: bigint; users: number }>();
    let others = 0n;
    for (const [claim, share] of shares) if (claim !== key) others += share.atoms;
    if (others + atoms > balance) return undefined;
    const own = shares.get(key) ?? { atoms, users: 0 };
    own.users++;
    this.ofPayers.set(payer, shares.set(key, own));
    return () => {
      if (--own.users === 0) shares.delete(key);
      if (shares.size === 0) this.ofPayers.delete(payer);
    };
  }
}
