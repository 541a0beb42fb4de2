import { BillingError } from '../common/billing-error';

/** There is one run at a time, at however many replicas: two of them would tell of each other's work. */
export class ReconciliationRunningError extends BillingError {
  constructor() {
    super({
      code: 'reconciliation_running',
      status: 409,
      title: 'A reconciliation is running',
      detail: 'The books are being compared at this moment, here or at another replica.',
      hint: 'Wait for it: GET /admin/reconciliation/runs shows how far it is. Then ask again.',
    });
  }
}

type Refusal =
  | 'discrepancy_not_open'
  | 'discrepancy_already_resolved'
  | 'discrepancy_amount_changed'
  | 'discrepancy_without_amount'
  | 'discrepancy_in_suspense'
  | 'discrepancy_takes_no_entry'
  | 'discrepancy_entry_stands';

/** A discrepancy that cannot be resolved like this: 409, and nothing was written. */
export class ResolutionRefusedError extends BillingError {
  constructor(code: Refusal, members: Record<string, unknown> = {}) {
    super({ code, status: 409, title: 'The discrepancy is not resolved by this', ...REFUSALS[code], members });
  }
}

const REFUSALS: Readonly<Record<Refusal, { detail: string; hint: string }>> = {
  discrepancy_not_open: {
    detail: 'A later run did not find it any more.',
    hint: 'Nothing is left to be resolved; it opens again by itself if it comes back.',
  },
  discrepancy_already_resolved: {
    detail: 'It was resolved before, and not like this.',
    hint: 'To undo that, correct its entry (POST /admin/entries/{id}/corrections) and run the reconciliation again.',
  },
  discrepancy_amount_changed: {
    detail: 'It is about another amount now than the one that was named.',
    hint: 'Look at it again, and name the amount that it has.',
  },
  discrepancy_without_amount: {
    detail: 'It is about no amount, so no movement of money can explain it.',
    hint: 'Do what its suggested cause says, or waive it with a reason.',
  },
  discrepancy_in_suspense: {
    detail: 'Its money is on the books already: it waits in suspense for its owner.',
    hint: 'Say whose it is: POST /admin/suspended-transfers/{ref}/attribution. The next run finds it explained.',
  },
  discrepancy_takes_no_entry: {
    detail: 'Its money is booked already, or will be by what it is about: an entry would book it twice.',
    hint: 'Do what its suggested cause says, or waive it with a reason.',
  },
  discrepancy_entry_stands: {
    detail: 'The entry that settled it at another amount still stands.',
    hint: 'Take that back first (POST /admin/entries/{entryId}/corrections), then settle the whole amount.',
  },
};

/** The entry names an account that resolutions do not move: 400. */
export class ResolutionAccountError extends BillingError {
  constructor(account: string, allowed: readonly string[]) {
    super({
      code: 'resolution_account_not_allowed',
      status: 400,
      title: 'A resolution does not move this account',
      detail: `"${account.slice(0, 200)}" is not an account that a discrepancy in this asset may be resolved with.`,
      hint:
        allowed.length === 0
          ? 'Amounts in this asset are not moved by hand; waive it with a reason.'
          : `These are: ${allowed.join(', ')}.`,
      members: { allowed },
    });
  }
}

/** The entry leaves the account alone that differs, or moves it the wrong way: 400. */
export class ResolutionDirectionError extends BillingError {
  constructor(end: 'from' | 'to', account: string) {
    super({
      code: 'resolution_moves_the_wrong_way',
      status: 400,
      title: 'The resolution does not settle it',
      detail: `The other side has ${end === 'from' ? 'more' : 'less'} of ${account} than the books.`,
      hint: `Send "${account}" as "${end}": what the other side has more comes from the account that is kept there.`,
      members: { [end]: account },
    });
  }
}

/** Neither an entry nor a waiver, or both: 400. */
export class ResolutionUnclearError extends BillingError {
  constructor() {
    super({
      code: 'resolution_unclear',
      status: 400,
      title: 'The resolution is not clear',
      detail: 'A discrepancy is resolved by an entry or waived, one of the two.',
      hint: 'Send "entry": {"from", "to", "amount"}, or "waive": true.',
    });
  }
}
