import { Injectable } from '@nestjs/common';
import { newId } from '../../common/id';
import { type Money, usd } from '../../common/money';
import { FrozenCredit } from '../../credits/frozen-credit.service';
import { GrantsService } from '../../credits/grants.service';
import type { Tx } from '../../database/tx';
import { JobsService } from '../../jobs/jobs.service';
import type { JournalEntry } from '../../ledger/journal-entry';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import { bonusRestored, bonusVoided } from '../../ledger/refund-entries';
import { WriteOffs } from '../../ledger/write-offs.service';
import { freezeRestJob } from './freeze-rest-job';
import { creditLeft, type Part, partOf, type ReversiblePayment } from './reversible-payment';
import { ReversiblePayments } from './reversible-payments.service';

/** What an entry has to say to take a part of a payment, or to give it back. */
export type EntryOfPart = (amounts: { readonly credit: Money; readonly tax: Money }) => JournalEntry;

export interface Taking {
  readonly gross: bigint;
  /** Names the entry about the bonus: `refund:rfd_…`, `dispute:dp_…`. */
  readonly because: string;
  /** Also what is not there any more: that is owed. */
  readonly forced: boolean;
  /** What stays of the payment waits on if it has to; otherwise the caller asks. */
  readonly keepFrozen: boolean;
}

/** What comes back of a taking. */
export interface GivenBack {
  /** Names the entries about bonus and debt: once for each part that comes back. */
  readonly because: string;
  /** The key of the entry that took it. */
  readonly debit: string;
  /** Of the credit, what the customer did not have then; and of what does not come back. */
  readonly owed: bigint;
  readonly owedStill: bigint;
}

export type Taken =
  | ({ readonly kind: 'taken'; readonly owed: bigint } & Part)
  /** Without force: no more of its credit than `free` is there. Nothing was written. */
  | { readonly kind: 'insufficient'; readonly free: bigint };

/**
 * Takes card payments back from the credit that they brought, and gives it again: refunds and lost disputes alike. In
 * the caller's transaction, with the payment from `ReversiblePayments.lock`.
 */
@Injectable()
export class Reversals {
  constructor(
    private readonly ledger: LedgerService,
    private readonly grants: GrantsService,
    private readonly frozen: FrozenCredit,
    private readonly payments: ReversiblePayments,
    private readonly jobs: JobsService,
    private readonly writeOffs: WriteOffs,
  ) {}

  /** Takes `gross` of the payment from its own credit first, and its share of the bonus with it. */
  async take(tx: Tx, payment: ReversiblePayment, taking: Taking, entry: EntryOfPart): Promise<Taken> {
    const part = partOf(payment, taking.gross);
    const posted = entry({ credit: usd(part.credit), tax: usd(part.tax) });
    const debited = await this.debit(tx, payment, part, posted, taking.forced);
    if (debited.kind === 'insufficient') return debited;
    const bonus = await this.voidBonus(tx, payment, part.bonus, taking.because);
    const taken = { ...part, bonus };
    await this.payments.change(tx, payment, taken, 1n);
    if (payment.frozenBy !== null) await this.payments.rememberFreeze(tx, payment, null);
    if (taking.keepFrozen) await this.freezeOrThaw(tx, payment.paymentIntentId);
    return { kind: 'taken', ...taken, owed: debited.owed };
  }

  /** What of the payment's own credit is there at this moment, frozen or not: nothing that calls in flight hold. */
  async freeOf(tx: Tx, { grantId, doubtedBeside }: ReversiblePayment): Promise<bigint> {
    if (grantId === null) return 0n;
    const { free, frozen } = await this.grants.remaining(tx, grantId);
    return free.atoms + (frozen.atoms > doubtedBeside ? frozen.atoms - doubtedBeside : 0n);
  }

  /** Gives back what `take` took: the same grants have it again, and what was `owed` of it is repaid, also if it was given up since. */
  async giveBack(tx: Tx, payment: ReversiblePayment, part: Part & GivenBack, entry: EntryOfPart): Promise<void> {
    const posted = entry({ credit: usd(part.credit), tax: usd(part.tax) });
    const { customerId, grantId, bonusGrantId } = payment;
    const { because, debit, owed: atoms, owedStill: still } = part;
    const debt = { asset: 'USD', atoms, still, because, debit } as const;
    if (customerId !== null) await this.writeOffs.takeBack(tx, { ...debt, customerId });
    if (customerId === null || grantId === null || part.credit === 0n) await this.post(tx, posted);
    else await this.grants.giveBack(tx, posted, { grantId, amount: usd(part.credit) });
    if (customerId !== null && bonusGrantId !== null && part.bonus > 0n) {
      const amount = usd(part.bonus);
      const restored = bonusRestored({ because, customerId, amount });
      await this.grants.giveBack(tx, restored, { grantId: bonusGrantId, amount });
    }
    await this.payments.change(tx, payment, part, -1n);
    // While the rest of it is doubted, so is what came back.
    await this.freezeOrThaw(tx, payment.paymentIntentId);
  }

  /**
   * Puts what is left of a payment aside while a bank has doubts about it, and lets it be used again once none has.
   * Safe to repeat. What calls in flight use now is put aside when they have ended.
   */
  async freezeOrThaw(tx: Tx, paymentIntentId: string): Promise<void> {
    const payment = await this.payments.lock(tx, paymentIntentId);
    const isDoubted = await this.payments.isDoubted(tx, paymentIntentId);
    const { isShared, doubtedBeside } = payment;
    if (!isDoubted && doubtedBeside === 0n) return this.thaw(tx, payment);
    const most = (isDoubted ? creditLeft(payment) : 0n) + doubtedBeside;
    return this.freeze(tx, payment, isShared ? most : undefined);
  }

  /** @param most Of a grant that it shares. */
  private async freeze(tx: Tx, payment: ReversiblePayment, most: bigint | undefined): Promise<void> {
    const grantIds = [payment.grantId, payment.bonusGrantId].filter((id) => id !== null);
    const holdId = newId();
    const before = payment.frozenBy ?? undefined;
    const amount = grantIds.length === 0 ? usd(0n) : await this.frozen.freeze(tx, grantIds, holdId, { before, most });
    await this.payments.rememberFreeze(tx, payment, amount.atoms > 0n ? holdId : null);
    if (most !== undefined && amount.atoms >= most) return;
    if (await this.isUsed(tx, grantIds)) await this.jobs.enqueue(tx, freezeRestJob(payment.paymentIntentId));
  }

  /** Whether some of it is in the hands of calls in flight. */
  private async isUsed(tx: Tx, grantIds: readonly string[]): Promise<boolean> {
    for (const id of grantIds) {
      const { remaining, frozen } = await this.grants.remaining(tx, id);
      if (remaining.atoms > frozen.atoms) return true;
    }
    return false;
  }

  private async thaw(tx: Tx, payment: ReversiblePayment): Promise<void> {
    if (payment.frozenBy === null) return;
    await this.frozen.thaw(tx, payment.frozenBy);
    await this.payments.rememberFreeze(tx, payment, null);
  }

  private async debit(tx: Tx, payment: ReversiblePayment, part: Part, entry: JournalEntry, force: boolean) {
    const { customerId, grantId, frozenBy } = payment;
    if (customerId === null || grantId === null || part.credit === 0n) {
      if (frozenBy !== null) await this.frozen.thaw(tx, frozenBy);
      await this.post(tx, entry);
      return { kind: 'debited', owed: 0n } as const;
    }
    const taking = { grantIds: [grantId], amount: usd(part.credit), force, frozenBy: frozenBy ?? undefined };
    const taken = await this.grants.take(tx, entry, taking);
    if (taken.kind === 'insufficient') return { kind: 'insufficient', free: taken.free.atoms } as const;
    if (taken.kind === 'replayed') throw new LedgerRefusedError(entry.key, 'replayed');
    return { kind: 'debited', owed: taken.owed.atoms } as const;
  }

  private async voidBonus(tx: Tx, payment: ReversiblePayment, share: bigint, because: string): Promise<bigint> {
    const { customerId, bonusGrantId } = payment;
    if (customerId === null || bonusGrantId === null || share === 0n) return 0n;
    const { free } = await this.grants.remaining(tx, bonusGrantId);
    const amount = usd(share < free.atoms ? share : free.atoms);
    if (amount.atoms <= 0n) return 0n;
    const entry = bonusVoided({ because, customerId, amount });
    await this.grants.take(tx, entry, { grantIds: [bonusGrantId], amount, as: 'voided' });
    return amount.atoms;
  }

  private async post(tx: Tx, entry: JournalEntry): Promise<void> {
    const { verdict } = await this.ledger.postIn(tx, entry);
    if (verdict !== 'posted') throw new LedgerRefusedError(entry.key, verdict);
  }
}
