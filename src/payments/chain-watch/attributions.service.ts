import { Injectable } from '@nestjs/common';
import { BillingError, NotFoundError } from '../../common/billing-error';
import { type Money, usdc, usdcToUsdAtPar } from '../../common/money';
import { GrantsService } from '../../credits/grants.service';
import type { Customer } from '../../customers/customer';
import { CustomersService } from '../../customers/customers.service';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { conversion, suspense } from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { ReceivablesService } from '../../ledger/receivables.service';
import { suspenseAttributed, suspenseConverted } from '../../ledger/suspense-entries';
import { parseLog } from './transfer-log';

/** A transfer whose owner is not known. */
export interface SuspendedTransfer {
  /** `<network>:<transaction>:<log index>` */
  readonly ref: string;
  readonly from: string;
  readonly to: string;
  /** In USDC. */
  readonly amount: Money;
  readonly minedAt: Date;
}

/** Whose it is: a customer of ours, or a wallet, whether it was seen before or not. */
export type Owner = { readonly customerId: string } | { readonly walletAddress: string };

/** Gives transfers that wait in suspense to whom an operator says. */
@Injectable()
export class Attributions {
  constructor(
    private readonly database: DatabaseService,
    private readonly customers: CustomersService,
    private readonly accounts: LedgerAccountsService,
    private readonly receivables: ReceivablesService,
    private readonly grants: GrantsService,
  ) {}

  /** The oldest first. */
  async suspended(limit: number): Promise<SuspendedTransfer[]> {
    const rows = await this.database.query<SuspendedRow>(
      `${SUSPENDED} AND state = 'suspense' ORDER BY mined_at, block_number, log_index LIMIT $1`,
      [limit],
    );
    return rows.map(({ atoms, ...row }) => ({ ...row, amount: usdc(atoms) }));
  }

  /**
   * A wallet gets it as its own USDC credit, any other customer as USD credit at par. What is owed is repaid from it.
   * Safe to repeat.
   * @throws NotFoundError `customer_not_found`, `suspended_transfer_not_found`; AttributedElsewhereError;
   * TransferClaimedError
   */
  async attribute(ref: string, owner: Owner, reason: string): Promise<{ customerId: string; credited: Money }> {
    const customer =
      'customerId' in owner
        ? await this.customers.get(owner.customerId)
        : await this.customers.forWallet(this.database, owner.walletAddress);
    await this.accounts.idsOf([suspense('USDC'), conversion('USDC'), conversion('USD')]);
    await this.receivables.prepare(customer.id, 'USDC');
    await this.grants.prepare(customer.id);
    const credited = await this.database.transaction((tx) => this.attributeIn(tx, ref, customer, reason));
    return { customerId: customer.id, credited };
  }

  /** Under the row's lock, as a proof that is shown at the same moment. */
  private async attributeIn(tx: Tx, ref: string, customer: Customer, reason: string): Promise<Money> {
    const log = parseLog(ref);
    const mine = [log?.network, log?.transaction, log?.logIndex];
    const [row] = await tx.query<SuspendedRow & { state: string; entryId: bigint }>(
      `${SUSPENDED} AND ${MINE} AND state IN ('suspense', 'attributed') FOR NO KEY UPDATE`,
      mine,
    );
    if (!row) throw new NotFoundError({ what: 'suspended transfer', id: ref });
    // A reorganisation may have moved it to another log index: it is given away once, under what it was booked as.
    const booked = await bookedAs(tx, row.entryId, ref);
    if (row.state === 'suspense' && (await isClaimed(tx, [ref, booked]))) throw new TransferClaimedError(ref);
    const given = row.state === 'attributed' ? await ownerOf(tx, booked) : customer.id;
    if (given !== customer.id) throw new AttributedElsewhereError(ref, given);
    const credited = await this.give(tx, customer, { ref: booked, amount: usdc(row.atoms), reason });
    await tx.query(`UPDATE chain_transfers SET state = 'attributed' WHERE atoms > 0 AND ${MINE}`, mine);
    return credited;
  }

  private async give(
    tx: Tx,
    { id: customerId, kind }: Customer,
    attribution: { ref: string; amount: Money; reason: string },
  ): Promise<Money> {
    const whose = { ...attribution, customerId };
    if (kind === 'wallet') {
      await this.receivables.postCredit(tx, suspenseAttributed(whose), customerId, 'USDC');
      return attribution.amount;
    }
    const amount = usdcToUsdAtPar(attribution.amount);
    const grant = { class: 'paid', origin: 'suspense', originId: attribution.ref, amount } as const;
    await this.grants.arrive(tx, suspenseConverted(whose), { customerId, grants: [grant] });
    return amount;
  }
}

/** It is somebody's already, who may have used it. */
export class AttributedElsewhereError extends BillingError {
  constructor(ref: string, customerId: string) {
    super({
      code: 'suspense_attributed_elsewhere',
      status: 409,
      title: 'Attributed already',
      detail: `${ref} was attributed to ${customerId}.`,
      hint: 'Nothing was changed. Take it back from that customer first, if that was wrong.',
      members: { customerId },
    });
  }
}

/** Its payer has shown it, and the proof is being booked: it is out of suspense in a moment. */
export class TransferClaimedError extends BillingError {
  constructor(ref: string) {
    super({
      code: 'suspended_transfer_claimed',
      status: 409,
      title: 'Its payer has shown it',
      detail: `A proof of payment has claimed ${ref}.`,
      hint: 'Nothing was changed: it becomes the credit of the wallet that sent it.',
    });
  }
}

const MINE = 'network = $1 AND transaction = $2 AND log_index = $3';
const SUSPENDED = `
  SELECT network || ':' || transaction || ':' || log_index AS ref, other AS "from", address AS "to", atoms, mined_at AS "minedAt", state,
         entry_id AS "entryId"
    FROM chain_transfers WHERE atoms > 0`;

interface SuspendedRow extends Omit<SuspendedTransfer, 'amount'> {
  readonly atoms: bigint;
}

/** What a transfer was known by when its entry was written. */
async function bookedAs(tx: Tx, entryId: bigint, ref: string): Promise<string> {
  const [row] = await tx.query<{ ref: string }>(
    `SELECT substr(key, length('transfer:') + 1) AS ref FROM journal_entries
      WHERE id = $1 AND kind = 'unknown_transfer_received'`,
    [entryId],
  );
  return row?.ref ?? ref;
}

async function isClaimed(tx: Tx, refs: readonly string[]): Promise<boolean> {
  const keys = refs.map((ref) => `transfer:${ref}`);
  return (await tx.query('SELECT FROM claims WHERE key = ANY ($1)', [keys])).length > 0;
}

/** Whom the entry of an attribution names. */
async function ownerOf(tx: Tx, ref: string): Promise<string> {
  const [row] = await tx.query<{ customer_id: string }>(
    `SELECT customer_id FROM journal_keys JOIN postings USING (entry_id) WHERE journal_keys.key = $1 LIMIT 1`,
    [`suspense:${ref}`],
  );
  return row?.customer_id ?? '';
}
