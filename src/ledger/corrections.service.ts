import { Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { BillingError, NotFoundError } from '../common/billing-error';
import { DatabaseService } from '../database/database.service';
import { CORRECTABLE, entryCorrected } from './entries';
import type { Posting } from './journal-entry';
import { LedgerRefusedError } from './ledger-error';
import { LedgerService } from './ledger.service';

export interface Correction {
  readonly entryId: bigint;
  /** Goes into the new entry's memo. */
  readonly reason: string;
  /** Now, when left out. */
  readonly effectiveAt?: Date | undefined;
}

/** Takes entries back, by entries that name them. */
@Injectable()
export class CorrectionsService {
  constructor(
    private readonly database: DatabaseService,
    private readonly ledger: LedgerService,
  ) {}

  /**
   * @returns the id of the new entry.
   * @throws NotFoundError `entry_not_found`; EntryNotCorrectableError; EntryAlreadyCorrectedError; LedgerRefusedError
   * `ledger_insufficient` when an account can no longer give back what it received.
   */
  async correct({ entryId, reason, effectiveAt }: Correction): Promise<string> {
    const rows = await this.database.query<LineRow>(LINES, [entryId]);
    const [entry] = rows;
    if (!entry) throw new NotFoundError({ what: 'entry', id: entryId.toString() });
    const postings = rows.filter(({ line }) => line > 0).map(toPosting);
    if (postings.length === 0 || !CORRECTABLE.includes(entry.kind)) {
      throw new EntryNotCorrectableError(entryId, entry.kind);
    }
    const { customer_id: customerId } = entry;
    const verdict = await this.ledger.post(entryCorrected({ entryId, customerId, postings, reason, effectiveAt }));
    if (verdict.verdict === 'posted') return verdict.entryId;
    if (verdict.verdict === 'replayed') throw new EntryAlreadyCorrectedError(entryId, verdict.entryId);
    throw new LedgerRefusedError(`The correction of entry ${entryId}`, verdict.verdict);
  }
}

/** The entry belongs to a call or a top-up, whose documents would no longer add up. */
export class EntryNotCorrectableError extends BillingError {
  constructor(entryId: bigint, kind: string) {
    super({
      code: 'entry_not_correctable',
      status: 409,
      title: 'This entry cannot be corrected',
      detail: `Entry ${entryId} is of the kind ${kind}.`,
      hint: `Only these kinds can: ${CORRECTABLE.join(', ')}. What a call or a top-up has moved is given back by a refund.`,
      members: { kind },
    });
  }
}

/** Once is enough; who wants it back corrects the correction. */
export class EntryAlreadyCorrectedError extends BillingError {
  constructor(entryId: bigint, correction: string) {
    super({
      code: 'entry_already_corrected',
      status: 409,
      title: 'This entry is corrected already',
      detail: `Entry ${entryId} was corrected by entry ${correction}.`,
      hint: 'Nothing was written. If the correction was wrong, correct that entry.',
      members: { correction },
    });
  }
}

const LINES = `
  SELECT line, kind, posting.customer_id, posting.asset, atoms,
         debit.code AS debit, debit.customer_id AS debit_customer, debit.guarded AS debit_guarded,
         credit.code AS credit, credit.customer_id AS credit_customer, credit.guarded AS credit_guarded
    FROM postings posting
    LEFT JOIN ledger_accounts debit ON debit.id = debit_account_id
    LEFT JOIN ledger_accounts credit ON credit.id = credit_account_id
   WHERE entry_id = $1 ORDER BY line`;

interface LineRow {
  line: number;
  kind: string;
  customer_id: string | null;
  asset: AssetCode;
  atoms: bigint;
  debit: string;
  debit_customer: string | null;
  debit_guarded: boolean;
  credit: string;
  credit_customer: string | null;
  credit_guarded: boolean;
}

const toPosting = ({ asset, atoms, ...row }: LineRow): Posting => ({
  from: { code: row.debit, asset, customerId: row.debit_customer, guarded: row.debit_guarded },
  to: { code: row.credit, asset, customerId: row.credit_customer, guarded: row.credit_guarded },
  amount: { asset, atoms },
});
