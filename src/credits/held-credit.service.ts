import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/tx';
import { type LedgerHold, LedgerService } from '../ledger/ledger.service';
import type { HoldVerdict } from '../ledger/verdict';
import { GrantExpiry } from './grant-expiry.service';

/** What a hold can come to once expired credit is booked. */
export type CreditVerdict = Exclude<HoldVerdict, { verdict: 'expiry_due' }>;

/** Holds on customers' USD credit: none is ever granted on credit that has expired. */
@Injectable()
export class HeldCredit {
  constructor(
    private readonly ledger: LedgerService,
    private readonly expiry: GrantExpiry,
  ) {}

  /** Reserves all of `hold.amount` or nothing, until `until`. */
  hold(hold: LedgerHold, until: Date): Promise<CreditVerdict> {
    return this.afterExpiry(hold.account.customerId as string, async () =>
      current(await this.ledger.hold(hold, until)),
    );
  }

  /**
   * The same in the caller's transaction, which belongs into `afterExpiry`.
   * @throws CreditExpiredError to be met there.
   */
  async holdIn(tx: Tx, hold: LedgerHold, until: Date): Promise<CreditVerdict> {
    return current(await this.ledger.holdIn(tx, hold, until));
  }

  /** The same for the parts of one call, of which none is worth anything alone: the first refusal, or the last verdict. */
  async holdPartsIn(tx: Tx, parts: readonly LedgerHold[], until: Date): Promise<CreditVerdict> {
    const verdicts = (await this.ledger.holdAllIn(tx, parts, until)).map(current);
    const verdict = verdicts.find((each) => each.verdict !== 'held') ?? verdicts.at(-1);
    if (!verdict) throw new RangeError('a call is held in one part at least');
    return verdict;
  }

  /** Runs `work`; when it meets credit that has expired, books that in a transaction of its own and runs it again. */
  async afterExpiry<Result>(customerId: string, work: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof CreditExpiredError) || attempt === MAX_ATTEMPTS) throw error;
        await this.expiry.settle(customerId);
      }
    }
  }
}

/** Grants that end within the same milliseconds. */
const MAX_ATTEMPTS = 5;

/** Never leaves `HeldCredit`. */
export class CreditExpiredError extends Error {}

function current(verdict: HoldVerdict): CreditVerdict {
  if (verdict.verdict === 'expiry_due') throw new CreditExpiredError('credit has expired and is not booked yet');
  return verdict;
}
