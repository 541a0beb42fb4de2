import { Inject, Injectable } from '@nestjs/common';
import { instantOf } from '../../common/id';
import { BudgetCounters, type Weight } from '../../budgets/budget-counters.service';
import { budgetRefusal, budgetWarning } from '../../budgets/budget-refusal';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { HeldCredit } from '../../credits/held-credit.service';
import type { Spending } from '../../customers/spending';
import { customerCredits } from '../../ledger/ledger-account';
import { type LedgerHold, LedgerService } from '../../ledger/ledger.service';
import type { Hold, HoldOutcome } from '../payment-scheme';
import { creditRefusal } from './credit-refusal';
import { RefusedCredit } from './refused-credit.service';

/** Tells a caller how much of which budgets is used, from 80 per cent on. */
const WARNING = 'x-tollbridge-budget-warning';

/** Holds a call's ceiling on a customer's credit and on its budgets, in one step. */
@Injectable()
export class CreditReservation {
  constructor(
    private readonly credit: HeldCredit,
    private readonly ledger: LedgerService,
    private readonly budgets: BudgetCounters,
    private readonly refused: RefusedCredit,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @param spending What the customer has laid down; `null` for nothing. A budget binds by when the call was let in. */
  async reserve(hold: Hold, spending: Spending | null): Promise<HoldOutcome> {
    const weights = spending === null ? [] : await this.weightsOf(hold, spending);
    const weighing: CreditHold = { ...hold, counters: weights.map(({ counterId }) => counterId) };
    const expiresAt = new Date(Date.now() + this.config.holdTtlSeconds * 1000);
    const verdict = await this.credit.hold(ledgerHold(weighing), expiresAt).catch((error: unknown) => {
      // It may be there all the same, and would tie up the money until it expires.
      void this.ledger.release(ledgerHold(weighing)).catch(() => undefined);
      throw error;
    });
    if (verdict.verdict === 'replayed') return { kind: 'held', hold: weighing };
    if (verdict.verdict === 'held') {
      const warning = budgetWarning(weights, verdict.used ?? []);
      if (warning === undefined) return { kind: 'held', hold: weighing };
      return { kind: 'held', hold: { ...weighing, headers: { ...hold.headers, [WARNING]: warning } } };
    }
    if (verdict.verdict !== 'budget_exceeded') {
      const refusal = creditRefusal(verdict, hold.amount);
      return { kind: 'refused', refusal: await this.refused.explain(hold.customerId, refusal) };
    }
    const counters = await this.budgets.read(weights);
    return { kind: 'refused', refusal: { status: 402, ...budgetRefusal(weights, counters, hold.amount, new Date()) } };
  }

  private weightsOf(hold: Hold, spending: Spending): Promise<readonly Weight[]> {
    return this.budgets.weightsOf(hold.customerId, hold.apiKeyId ?? '', spending, instantOf(hold.callId));
  }
}

interface CreditHold extends Hold {
  /** Ids of the budget counters that it weighs on. */
  readonly counters: readonly string[];
}

export const weighingOf = (hold: Hold): readonly string[] => (hold as Partial<CreditHold>).counters ?? [];

export const ledgerHold = (hold: Hold): LedgerHold => ({
  id: hold.callId,
  account: customerCredits(hold.customerId, hold.amount.asset),
  amount: hold.amount,
  counters: weighingOf(hold),
});
