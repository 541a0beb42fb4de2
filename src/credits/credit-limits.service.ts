import { Injectable } from '@nestjs/common';
import { InvalidRequestError } from '../common/billing-error';
import { formatMoney, type Money, usd } from '../common/money';
import { CustomersService } from '../customers/customers.service';
import { DatabaseService } from '../database/database.service';
import { customerCredits } from '../ledger/ledger-account';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import { ReceivablesService } from '../ledger/receivables.service';

/** What a customer may owe, and its balance, below zero when it owes something. In USD. */
export interface CreditLimit {
  readonly limit: Money;
  readonly posted: Money;
}

/**
 * Chosen customers pay afterwards: their credit goes below zero, down to a limit, and never further by any race. What is
 * below zero is what they owe; whatever comes in next pays it.
 */
@Injectable()
export class CreditLimits {
  constructor(
    private readonly database: DatabaseService,
    private readonly customers: CustomersService,
    private readonly accounts: LedgerAccountsService,
    private readonly receivables: ReceivablesService,
  ) {}

  /**
   * From now on the customer may owe `limit`, in USD, calls in flight included; zero: it pays in advance. What a call
   * had cost beyond the old limit is owed within the new one as far as that reaches, and calls work again.
   * @throws NotFoundError `customer_not_found`; InvalidRequestError `credit_limit_in_use` (409) below what is used
   */
  async set(customerId: string, limit: Money): Promise<CreditLimit> {
    await this.customers.get(customerId);
    await this.receivables.prepare(customerId, 'USD');
    const account = customerCredits(customerId, 'USD');
    const changed = await this.database.query(SET, [await this.accounts.idOf(account), limit.atoms]);
    if (changed.length === 0) {
      const { available } = await this.accounts.balance(account);
      throw inUse(usd(-available.atoms));
    }
    await this.receivables.repayFor(customerId, 'USD');
    const { posted } = await this.accounts.balance(account);
    return { limit, posted };
  }
}

const SET = `
  UPDATE ledger_accounts SET credit_limit = $2
   WHERE id = $1 AND credits_posted - debits_posted - held + $2 >= 0 RETURNING id`;

const inUse = (used: Money): InvalidRequestError =>
  new InvalidRequestError({
    status: 409,
    code: 'credit_limit_in_use',
    detail: `$${formatMoney(used)} of the credit limit is used, calls in flight included.`,
    hint: 'Set it no lower than that, or wait for a payment.',
    members: { used: formatMoney(used), currency: 'USD' },
  });
