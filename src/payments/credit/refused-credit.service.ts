import { Injectable } from '@nestjs/common';
import { formatMoney, usd } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import { customerCredits, customerReceivable } from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import type { Refusal } from '../refusal';

/** Debits of a receivable that are read to find out what is owed of. */
const NEWEST = 200;

/** Why there is no credit, where the balance alone does not say: a dispute, a credit limit. Asked only on a refusal. */
@Injectable()
export class RefusedCredit {
  constructor(
    private readonly database: DatabaseService,
    private readonly accounts: LedgerAccountsService,
  ) {}

  /**
   * The refusal as it was; `payment_disputed` where waiting or another call's end would not help, and
   * `credit_limit_reached` for who pays afterwards.
   */
  async explain(customerId: string, refusal: Refusal): Promise<Refusal> {
    if (refusal.code === 'credit_owed') return (await this.owedByDispute(customerId)) ?? refusal;
    if (refusal.code === 'credit_in_flight') return (await this.frozenByDispute(customerId)) ?? refusal;
    if (refusal.code === 'insufficient_credit') return (await this.atItsLimit(customerId, refusal)) ?? refusal;
    return refusal;
  }

  private async atItsLimit(customerId: string, { members }: Refusal): Promise<Refusal | undefined> {
    const { posted, creditLimit } = await this.accounts.balance(customerCredits(customerId, 'USD'));
    if (creditLimit.atoms === 0n) return undefined;
    const [limit, owed] = [formatMoney(creditLimit), formatMoney(usd(posted.atoms < 0n ? -posted.atoms : 0n))];
    return {
      status: 402,
      code: 'credit_limit_reached',
      detail: `This call needs up to $${String(members?.['required'])}; $${owed} of the credit limit of $${limit} is owed.`,
      hint: 'Pay at topUpUrl: what is owed is paid first, and may be used again. Or ask for a higher limit.',
      members: { ...members, creditLimit: limit, owed },
    };
  }

  private async owedByDispute(customerId: string): Promise<Refusal | undefined> {
    const account = customerReceivable(customerId, 'USD');
    const { posted } = await this.accounts.balance(account);
    // What was owed first is repaid first: what is owed now are the newest debits that add up to it. Every refused call
    // asks, so it does not read what a customer has owed in years: a debt of more debits is told of as any other.
    const disputes = await this.database.query(
      `SELECT FROM (SELECT kind, sum(atoms) OVER (ORDER BY entry_id DESC, line DESC) - atoms AS newer
                      FROM (SELECT * FROM postings WHERE debit_account_id = $1 ORDER BY entry_id DESC LIMIT ${NEWEST}) last) debit
        WHERE kind = 'dispute_lost' AND newer < $2 LIMIT 1`,
      [await this.accounts.idOf(account), -posted.atoms],
    );
    if (disputes.length === 0) return undefined;
    const owed = formatMoney(usd(-posted.atoms));
    return {
      status: 402,
      code: 'payment_disputed',
      detail: `A payment of this account was taken back by its bank after it had been used: $${owed} is owed.`,
      hint: 'Top up at topUpUrl: what is owed is repaid first, then calls work again.',
      members: { owed, currency: 'USD' },
    };
  }

  private async frozenByDispute(customerId: string): Promise<Refusal | undefined> {
    const [row] = await this.database.query<{ frozen: bigint }>(
      `SELECT coalesce(sum(frozen_atoms), 0)::bigint AS frozen FROM credit_grants
        WHERE customer_id = $1 AND frozen_by IS NOT NULL`,
      [customerId],
    );
    const frozen = row?.frozen ?? 0n;
    const { held } = await this.accounts.balance(customerCredits(customerId, 'USD'));
    // Calls in flight hold something, too: when they end, this call may pass.
    if (frozen === 0n || held.atoms > frozen) return undefined;
    return {
      status: 402,
      code: 'payment_disputed',
      detail: `A payment of this account is disputed: $${formatMoney(usd(frozen))} of the credit waits until that is decided.`,
      hint: 'Top up at topUpUrl: further credit can be used at once.',
      members: { disputed: formatMoney(usd(frozen)), currency: 'USD' },
    };
  }
}
