import { BillingError } from '../common/billing-error';

/** Nothing is wrong with the operation: the same one, with the same keys, may be sent again. */
export abstract class LedgerOutageError extends BillingError {}

/** The ledger's queue is full, or did not move for too long: nothing was written, the caller may come back. */
export class LedgerBusyError extends LedgerOutageError {
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

/** Another transaction keeps one of the accounts locked. Nothing was written. */
export class LedgerLockedError extends LedgerOutageError {
  constructor() {
    super({
      code: 'ledger_account_locked',
      status: 503,
      title: 'The account is being worked on',
      detail: 'Another transaction keeps an account of this payment locked.',
      hint: 'Nothing was charged. Repeat the request after the seconds in Retry-After.',
      headers: { 'retry-after': '1' },
    });
  }
}

/** The database is away, full or silent. The operation may have been written: who repeats it uses the same keys. */
export class LedgerUnavailableError extends LedgerOutageError {
  constructor(cause: unknown) {
    super({
      code: 'ledger_unavailable',
      status: 503,
      title: 'The ledger cannot be reached',
      detail: 'The database did not answer, so whether the payment was written is not known yet.',
      hint: 'Repeat the request after the seconds in Retry-After: what was written already is not written again.',
      headers: { 'retry-after': '2' },
      cause,
    });
  }
}

/** A text that PostgreSQL cannot store as it is: U+0000, or half of a surrogate pair. Nothing was written. */
export class LedgerTextError extends BillingError {
  constructor(field: string) {
    super({
      code: 'ledger_text_not_storable',
      status: 400,
      title: 'The operation cannot be stored',
      detail: `Its ${field} contains a character that PostgreSQL cannot store.`,
      hint: 'Leave out U+0000 and unpaired surrogates.',
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
