import { BillingError } from '../common/billing-error';

/** The ledger's queue is full: nothing was written, the caller may come back. */
export class LedgerBusyError extends BillingError {
  constructor(waiting: number) {
    super({
      code: 'ledger_busy',
      status: 503,
      title: 'Too many payments at once',
      detail: `${waiting} operations are waiting for the ledger.`,
      hint: 'Nothing was charged. Repeat the request after the seconds in Retry-After.',
      headers: { 'retry-after': '1' },
    });
  }
}

/** A refusal that correct code cannot meet, such as a key used twice for different things. */
export class LedgerRefusedError extends BillingError {
  constructor(operation: string, verdict: string) {
    super({
      code: `ledger_${verdict}`,
      status: 409,
      title: 'The ledger refused the operation',
      detail: `${operation} was refused: ${verdict.replaceAll('_', ' ')}.`,
      hint: 'Nothing was written.',
    });
  }
}
