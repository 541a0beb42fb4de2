import { formatMoney, type Money, usd } from '../common/money';
import { type BalanceComparison, type Finding, MOST_LISTED } from '../common/reconciliation-side';
import type { Check } from '../ledger/verification';
import type { WaitingMoney } from '../topups/reversals/reversal-check.service';

/** What must be equal in one asset: revenue, what was used, what was invoiced. */
export interface UsageSums {
  readonly revenue: Money;
  readonly usage: Money;
  readonly invoiced: Money;
}

/** What the proof of the ledger has found wrong: no amount explains that, a person has to look. */
export function proofFindings(checks: readonly Check[], now: Date): Finding[] {
  return checks.flatMap(({ name, claim, remedy, faults }) =>
    // One subject may be wrong in several ways; the first of them is enough to look at it.
    [...new Map(faults.toReversed().map((fault) => [fault.subject, fault])).values()].map((fault) => ({
      kind: `proof_${name}`,
      ref: fault.subject,
      amount: usd(0n),
      since: now,
      suggestedCause: `Does not hold: ${claim} Expected ${fault.expected}, found ${fault.found}. ${remedy}`,
    })),
  );
}

/** Usage and invoices, each against revenue. */
export function usageComparisons({ revenue, usage, invoiced }: UsageSums): BalanceComparison[] {
  return [
    { name: 'revenue:inference and usage', ours: revenue, theirs: usage },
    { name: 'revenue:inference and invoices', ours: revenue, theirs: invoiced },
  ];
}

export function usageFindings({ revenue, usage, invoiced }: UsageSums, now: Date): Finding[] {
  const { asset } = revenue;
  const differing = (kind: string, what: string, theirs: Money): Finding[] =>
    theirs.atoms === revenue.atoms
      ? []
      : [
          {
            kind,
            ref: asset,
            amount: { asset, atoms: theirs.atoms - revenue.atoms },
            since: now,
            suggestedCause: `${what} add up to ${formatMoney(theirs)} ${asset}, revenue is ${formatMoney(revenue)}. Run tollbridge ledger verify: it names the calls.`,
          },
        ];
  return [...differing('usage_differs', 'Usage records', usage), ...differing('invoices_differ', 'Invoices', invoiced)];
}

export function grantFinding(fault: { customerId: string; granted: bigint; balance: bigint }, now: Date): Finding {
  const { customerId, granted, balance } = fault;
  return {
    kind: 'grants_differ',
    ref: customerId,
    amount: usd(granted - balance),
    customerId,
    since: now,
    suggestedCause: `Its grants are worth ${formatMoney(usd(granted))} USD, its balance is ${formatMoney(usd(balance))}. Somebody moved its credit beside the grants, or altered them as the owner of the tables.`,
  };
}

/** What is out by the account, as `stripe:clearing` counts it too, and what of that is of open refunds and disputes. */
export const waitingComparison = ({ account, balance, open }: WaitingMoney): BalanceComparison => ({
  name: `${account} and what is open of it`,
  ours: usd(-balance),
  theirs: usd(-open),
});

/** What a refund or a dispute has left behind, or an entry about neither. */
export function leftoverFindings({ account, leftovers }: WaitingMoney): Finding[] {
  return leftovers.map(({ ref, state, customerId, atoms, since }) => ({
    kind: 'reversal_left_over',
    ref,
    amount: usd(atoms),
    account,
    ...(customerId === null ? {} : { customerId }),
    since,
    suggestedCause: `${account} has ${formatMoney(usd(atoms))} USD of ${ref}, ${state === null ? CASELESS : `which is ${state}. ${atoms > 0n ? NOT_LEFT : NOT_BACK}`}`,
  }));
}

const CASELESS = 'and there is no such refund or dispute. Look who posted it, and move it to where it belongs.';
const NOT_LEFT =
  "It is off the customer's credit and never left Stripe's balance here: most likely its movement settled in another currency, or was less. Compare it with its movements in the Stripe dashboard.";
const NOT_BACK =
  "It is off Stripe's balance and nobody's loss: most likely the bank has withdrawn more, or given back less, than it had said. If it is gone for good, settle it as an expense (expense:disputes).";

/** @param lowest The lowest threshold, in nano-USD. */
export function watchFinding(lost: { customerId: string; lowest: bigint }, now: Date): Finding {
  return {
    kind: 'balance_unwatched',
    ref: lost.customerId,
    amount: usd(0n),
    customerId: lost.customerId,
    since: now,
    suggestedCause: `Nobody would notice its balance falling below ${formatMoney(usd(lost.lowest))} USD: no reload, no alert. The next credit mends it; look for a dead job balance-crossed.`,
  };
}

/** @param counter What it says that calls hold, and what they hold, in nano-USD. */
export function budgetFinding(counter: { id: bigint; held: bigint; holds: bigint }, now: Date): Finding {
  return {
    kind: 'budget_counter_differs',
    ref: counter.id.toString(),
    amount: usd(0n),
    since: now,
    suggestedCause: `The counter says that ${formatMoney(usd(counter.held))} USD are held, open holds say ${formatMoney(usd(counter.holds))}. Somebody altered one of them as the owner of the tables.`,
  };
}

/** Findings of a check that names at most `MOST_LISTED`: when there may be more, each of them says so. */
export function listed(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length < MOST_LISTED) return findings;
  const more = `Only ${MOST_LISTED} of this kind are listed: there may be more, also of those that are no longer listed.`;
  return findings.map((finding) => ({ ...finding, suggestedCause: `${finding.suggestedCause} ${more}` }));
}
