import { Injectable } from '@nestjs/common';
import type { Money } from '../../common/money';
import { callCaptured } from '../../ledger/entries';
import { customerCredits } from '../../ledger/ledger-account';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import type { PostVerdict } from '../../ledger/verdict';
import type { HeldLeg, KeptAnswer } from '../claim';
import { ClaimsService } from '../claims.service';
import { patiently } from '../patiently';
import { type CreditCharge, pendingCapture } from './credit-charge';
import { LeggedCredit } from './legged-credit.service';

/** Longer than a capture takes, its patience with the database included. */
const SETTLING_LEASE_SECONDS = 90;

/** A hold that returned by itself; and, where a claim says that the work was delivered, one that recovery returned. */
const EXPIRED: readonly (string | null)[] = ['expired'];
const RETURNED: readonly (string | null)[] = ['expired', 'released'];

/** Takes a charge from prepaid credit: once, however often and from however many processes it is asked to. */
@Injectable()
export class CreditCapture {
  constructor(
    private readonly ledger: LedgerService,
    private readonly claims: ClaimsService,
    private readonly legged: LeggedCredit,
  ) {}

  /**
   * Captures the hold, or posts the charge where the hold has expired: the work was delivered, and it is charged all
   * the same. Resolves to what the customer can spend then. Work that is delivered is not given away because the
   * database is away for a moment: it is asked again for half a minute.
   * @throws LedgerRefusedError when the call was charged something else before.
   */
  async take(charge: CreditCharge): Promise<Money | undefined> {
    return patiently(() => this.takeNow(charge));
  }

  /**
   * Keeps the answer and the charge of a claimed call before the money moves: a repeat after a crash is never charged
   * again. `false` when the claim is not this call's any more.
   */
  async keep(claimKey: string, taken: CreditCharge, answer: KeptAnswer | undefined): Promise<boolean> {
    const kept = { capture: pendingCapture(taken), answer, leaseSeconds: SETTLING_LEASE_SECONDS };
    if (await patiently(() => this.claims.move(claimKey, taken.callId, 'settling', kept))) return true;
    // Ours already, by a commit whose answer was lost or by a repeat; or given to somebody else while we were away.
    const claim = await patiently(() => this.claims.find(claimKey));
    return claim?.callId === taken.callId && (claim.state === 'settling' || claim.state === 'settled');
  }

  /** As `take`, for a call whose claim is `settling`: settled, when the money is taken; else left to recovery. */
  async settle(claimKey: string, charge: CreditCharge): Promise<Money | undefined> {
    try {
      return await patiently(async () => {
        const balance = await this.takeNow(charge, RETURNED);
        await this.claims.move(claimKey, charge.callId, 'settled');
        return balance;
      });
    } catch (error) {
      this.claims.leave(claimKey, charge.callId);
      throw error;
    }
  }

  private async takeNow(charge: CreditCharge, returned = EXPIRED): Promise<Money | undefined> {
    const posting = charge.legs === undefined ? this.inOne(charge) : this.inParts(charge, charge.legs);
    const verdict = await posting.capture();
    const isReturned = verdict.verdict === 'hold_closed' && returned.includes(verdict.state);
    const posted = isReturned ? await posting.postExpired() : verdict;
    if (posted.verdict === 'posted' || posted.verdict === 'replayed') return posted.balance;
    throw new LedgerRefusedError(`capture of call ${charge.callId}`, posted.verdict);
  }

  private inOne({ callId, customerId, held, charge, rows, counters }: CreditCharge): Posting {
    const hold = { id: callId, account: customerCredits(customerId, held.asset), amount: held, counters };
    const entry = callCaptured({ callId, customerId, charge });
    return {
      capture: () => this.ledger.capture(hold, entry, rows),
      postExpired: () => this.ledger.postExpired(hold, entry, rows),
    };
  }

  private inParts(charge: CreditCharge, legs: readonly HeldLeg[]): Posting {
    return {
      capture: () => this.legged.capture(charge, legs),
      postExpired: () => this.legged.postExpired(charge, legs),
    };
  }
}

/** How a charge is posted: by its hold, or without it where that has expired. */
interface Posting {
  readonly capture: () => Promise<PostVerdict>;
  readonly postExpired: () => Promise<PostVerdict>;
}
