import type { Finding, SideReport } from '../../src/common/reconciliation-side';
import { formatMoney } from '../../src/common/money';
import { StripeReconciliation } from '../../src/topups/stripe-books/stripe-reconciliation.service';
import { concludePayback, type PaybackWorld, startPaybackWorld } from './payback-world';

/** Payments, what goes back of them, and what Stripe's own records say of all that. */
export interface StripeBooksWorld extends PaybackWorld {
  /** Asks Stripe for everything since `from` (yesterday) until now, whatever its clock says; progress goes to `told`. */
  reconcile(asked?: { from?: Date; told?: string[] }): Promise<SideReport>;
  /** As the books have payouts, the oldest first. */
  payouts(): Promise<PayoutRow[]>;
}

export interface PayoutRow {
  readonly id: string;
  readonly state: string;
  readonly automatic: boolean;
  readonly amount_minor: bigint;
  /** `null`: not looked at yet. */
  readonly difference_minor: bigint | null;
}

const DAY_MS = 86_400_000;

export async function startStripeBooksWorld(env: Record<string, string> = {}): Promise<StripeBooksWorld> {
  const world = await startPaybackWorld(env);
  const side = world.app.app.get(StripeReconciliation, { strict: false });
  return {
    ...world,
    reconcile: ({ from = new Date(Date.now() - DAY_MS), told = [] } = {}) => {
      const window = { from, until: new Date(Math.max(Date.now(), from.getTime()) + DAY_MS / 4) };
      return side.reconcile(window, (progress) => told.push(progress));
    },
    payouts: () => world.database.query<PayoutRow>('SELECT * FROM payouts ORDER BY created_at, id'),
  };
}

/** Each finding in one line: kind, ref and amount. */
export const linesOf = ({ findings }: SideReport): string[] =>
  findings.map(({ kind, ref, amount }: Finding) => `${kind} ${ref} ${formatMoney(amount)}`);

/** What the sides differ by is what the findings add up to. */
export function expectToAddUp({ balances, findings }: SideReport): void {
  const differ = balances.reduce((sum, { ours, theirs }) => sum + theirs.atoms - ours.atoms, 0n);
  expect(differ).toBe(findings.reduce((sum, { amount }) => sum + amount.atoms, 0n));
}

/** The end of a walk after which nothing is left to explain: Stripe's balance is what the books say, to the cent. */
export async function concludeStripeBooks(world: StripeBooksWorld): Promise<void> {
  await world.settled();
  const report = await world.reconcile();
  expect(report.findings).toEqual([]);
  const [{ ours, theirs } = { ours: null, theirs: undefined }] = report.balances;
  expect(report.balances).toHaveLength(1);
  expect(ours).toEqual(theirs);
  await concludePayback(world);
}
