import { Inject, Injectable } from '@nestjs/common';
import { instantOf } from '../../common/id';
import { usd } from '../../common/money';
import { BudgetCounters, type Weight } from '../../budgets/budget-counters.service';
import { budgetRefusal, budgetWarning } from '../../budgets/budget-refusal';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { type CreditVerdict, HeldCredit } from '../../credits/held-credit.service';
import type { KeyInUse } from '../../customers/api-key';
import type { Spending } from '../../customers/spending';
import type { CompanionRows } from '../../ledger/companion-rows';
import { customerCredits } from '../../ledger/ledger-account';
import { type LedgerHold, LedgerService } from '../../ledger/ledger.service';
import type { HeldLeg } from '../claim';
import type { Hold, HoldOutcome } from '../payment-scheme';
import { creditRefusal } from './credit-refusal';
import { LeggedCredit } from './legged-credit.service';
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
    private readonly legged: LeggedCredit,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** A budget binds by when the call was let in. `model` is the call's. */
  async reserve(hold: Hold, { spending, scopedGrants }: KeyInUse, model: string): Promise<HoldOutcome> {
    const weights = spending === null ? [] : await this.weightsOf(hold, spending);
    const weighing: CreditHold = { ...hold, counters: weights.map(({ counterId }) => counterId) };
    const grantIds = (scopedGrants ?? []).filter(({ models }) => models.includes(model)).map(({ grantId }) => grantId);
    const expiresAt = new Date(Date.now() + this.config.holdTtlSeconds * 1000);
    const { verdict, held } = await (grantIds.length === 0
      ? this.inOne(weighing, expiresAt)
      : this.inParts(weighing, grantIds, expiresAt));
    if (verdict.verdict === 'replayed') return { kind: 'held', hold: held };
    if (verdict.verdict === 'held') {
      const warning = budgetWarning(weights, verdict.used ?? []);
      if (warning === undefined) return { kind: 'held', hold: held };
      return { kind: 'held', hold: { ...held, headers: { ...hold.headers, [WARNING]: warning } } };
    }
    if (verdict.verdict !== 'budget_exceeded') {
      const refusal = creditRefusal(verdict, hold.amount);
      return { kind: 'refused', refusal: await this.refused.explain(hold.customerId, refusal) };
    }
    const counters = await this.budgets.read(weights);
    return { kind: 'refused', refusal: { status: 402, ...budgetRefusal(weights, counters, hold.amount, new Date()) } };
  }

  /** Frees what `reserve` held. Safe to repeat. */
  async release(hold: Hold, rows?: CompanionRows): Promise<void> {
    const legs = legsOf(hold) ?? [];
    const scoped = legs.filter(({ grantId }) => grantId !== null);
    if (scoped.length > 0) await this.legged.release(hold.customerId, scoped, weighingOf(hold));
    await this.ledger.release(ledgerHold(hold), rows);
  }

  private async inOne(held: CreditHold, until: Date): Promise<{ verdict: CreditVerdict; held: CreditHold }> {
    const verdict = await this.credit.hold(ledgerHold(held), until).catch((error: unknown) => {
      // It may be there all the same, and would tie up the money until it expires.
      void this.ledger.release(ledgerHold(held)).catch(() => undefined);
      throw error;
    });
    return { verdict, held };
  }

  private async inParts(hold: CreditHold, grantIds: readonly string[], until: Date) {
    const outcome = await this.legged.hold(hold, grantIds, hold.counters, until);
    const held: CreditHold = outcome.kind === 'held' ? { ...hold, legs: outcome.legs } : hold;
    return { verdict: outcome.verdict, held };
  }

  private weightsOf(hold: Hold, spending: Spending): Promise<readonly Weight[]> {
    return this.budgets.weightsOf(hold.customerId, hold.apiKeyId ?? '', spending, instantOf(hold.callId));
  }
}

interface CreditHold extends Hold {
  /** Ids of the budget counters that it weighs on. */
  readonly counters: readonly string[];
  /** Its parts, where grants for its model bear some of it. */
  readonly legs?: readonly HeldLeg[];
}

export const weighingOf = (hold: Hold): readonly string[] => (hold as Partial<CreditHold>).counters ?? [];

export const legsOf = (hold: Hold): readonly HeldLeg[] | undefined => (hold as Partial<CreditHold>).legs;

/** Of the customer's credit: all of it, or its part. */
const ledgerHold = (hold: Hold): LedgerHold => {
  const pooled = legsOf(hold)?.find(({ grantId }) => grantId === null);
  return {
    id: hold.callId,
    account: customerCredits(hold.customerId, hold.amount.asset),
    amount: pooled === undefined ? hold.amount : usd(BigInt(pooled.atoms)),
    counters: weighingOf(hold),
  };
};
