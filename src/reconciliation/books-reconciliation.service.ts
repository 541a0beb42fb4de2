import { Injectable } from '@nestjs/common';
import { BudgetCounters } from '../budgets/budget-counters.service';
import type { AssetCode } from '../common/asset';
import { usd } from '../common/money';
import type { ReconciliationSide, ReconciliationWindow, SideReport } from '../common/reconciliation-side';
import { BalanceWatch } from '../credits/balance-watch.service';
import { GrantCheck } from '../credits/grant-check.service';
import { DatabaseService } from '../database/database.service';
import { Session } from '../database/session.client';
import { revenue } from '../ledger/ledger-account';
import { LedgerVerifyService } from '../ledger/ledger-verify.service';
import { ReversalCheck } from '../topups/reversals/reversal-check.service';
import {
  budgetFinding,
  grantFinding,
  leftoverFindings,
  listed,
  proofFindings,
  usageComparisons,
  usageFindings,
  type UsageSums,
  waitingComparison,
  watchFinding,
} from './books-findings';

const STATEMENT_SECONDS = 3600;

/**
 * The books against what is kept beside them: the proof of their chain, usage and invoices against revenue, grants
 * against balances, what waits for refunds and disputes, what is watched, what budgets hold. All of it must hold always, whatever the window.
 */
@Injectable()
export class BooksReconciliation implements ReconciliationSide {
  readonly name = 'books';

  constructor(
    private readonly database: DatabaseService,
    private readonly ledger: LedgerVerifyService,
    private readonly grants: GrantCheck,
    private readonly watch: BalanceWatch,
    private readonly counters: BudgetCounters,
    private readonly reversals: ReversalCheck,
  ) {}

  /** The books are always here. */
  async isConfigured(): Promise<boolean> {
    return true;
  }

  async reconcile(_window: ReconciliationWindow, tell: (progress: string) => void): Promise<SideReport> {
    const now = new Date();
    tell('proving the ledger');
    const { checks } = await this.ledger.verify();
    tell('adding up usage and invoices');
    const sums = await this.usageSums();
    tell('adding up what waits for refunds and disputes');
    const waiting = await this.reversals.check();
    tell('adding up grants, thresholds and budgets');
    const [granted, faults] = [await this.grants.totals(), await this.grants.check()];
    const [lost, counters] = [await this.watch.lost(), await this.counters.differing()];
    const balance = {
      name: 'credits of customers and their grants',
      ours: usd(granted.balance),
      theirs: usd(granted.granted),
    };
    return {
      counts: { proofs: checks.length, customersWithGrants: granted.customers },
      balances: [...sums.flatMap(usageComparisons), balance, ...waiting.map(waitingComparison)],
      findings: [
        ...proofFindings(checks, now),
        ...sums.flatMap((sum) => usageFindings(sum, now)),
        ...listed(faults.map((fault) => grantFinding(fault, now))),
        ...waiting.flatMap((money) => listed(leftoverFindings(money))),
        ...lost.map((one) => watchFinding(one, now)),
        ...listed(counters.map((counter) => budgetFinding(counter, now))),
      ],
    };
  }

  /** One statement, and so one moment: usage is written in the transaction of its entry. */
  private async usageSums(): Promise<UsageSums[]> {
    const session = await Session.open(this.database, { statementSeconds: STATEMENT_SECONDS });
    try {
      const rows = await session.query<{ asset: AssetCode; revenue: string; usage: string; invoiced: string }>(SUMS, [
        revenue('USD').code,
      ]);
      return rows.map((row) => {
        const money = (atoms: string) => ({ asset: row.asset, atoms: BigInt(atoms) });
        return { revenue: money(row.revenue), usage: money(row.usage), invoiced: money(row.invoiced) };
      });
    } finally {
      session.close();
    }
  }
}

const SUMS = `
  SELECT asset, coalesce(revenue, 0)::text AS revenue, coalesce(usage, 0)::text AS usage, coalesce(invoiced, 0)::text AS invoiced
    FROM (SELECT asset, credits_posted - debits_posted AS revenue FROM ledger_accounts WHERE code = $1) a
    FULL JOIN (SELECT asset, sum(atoms) AS usage, sum(atoms) FILTER (WHERE invoice_id IS NOT NULL) AS invoiced
                 FROM usage_records GROUP BY asset) u USING (asset)
   ORDER BY asset`;
