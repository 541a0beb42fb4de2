import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../common/billing-error';
import { prefixedId } from '../common/id';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import type { Customer } from './customer';

@Injectable()
export class CustomersService {
  constructor(private readonly database: DatabaseService) {}

  async create(name: string, email: string | null = null): Promise<Customer> {
    const rows = await this.database.query<CustomerRow>(
      `INSERT INTO customers (id, kind, name, email) VALUES ($1, 'organisation', $2, $3) RETURNING *`,
      [prefixedId('cus'), name, email],
    );
    return toCustomer(rows[0] as CustomerRow);
  }

  /** The customer behind a wallet address; made when the wallet is seen for the first time. */
  async forWallet(tx: Tx, address: string): Promise<Customer> {
    const wallet = address.toLowerCase();
    await tx.query(
      `INSERT INTO customers (id, kind, name, wallet_address) VALUES ($1, 'wallet', $2, $2) ON CONFLICT DO NOTHING`,
      [prefixedId('cus'), wallet],
    );
    const rows = await tx.query<CustomerRow>('SELECT * FROM customers WHERE wallet_address = $1', [wallet]);
    return toCustomer(rows[0] as CustomerRow);
  }

  /** @throws NotFoundError `customer_not_found` */
  async get(id: string): Promise<Customer> {
    const rows = await this.database.query<CustomerRow>('SELECT * FROM customers WHERE id = $1', [id]);
    if (!rows[0]) throw new NotFoundError({ what: 'customer', id });
    return toCustomer(rows[0]);
  }

  /** Newest first; `before` is the last id of the page that came before. */
  async list(limit: number, before?: string): Promise<Customer[]> {
    const rows = await this.database.query<CustomerRow>(
      'SELECT * FROM customers WHERE $2::text IS NULL OR id < $2 ORDER BY id DESC LIMIT $1',
      [limit, before ?? null],
    );
    return rows.map(toCustomer);
  }

  /** Remembers the customer's id at Stripe; the first one stays, and is returned. */
  async setStripeCustomer(id: string, stripeCustomerId: string): Promise<string> {
    const rows = await this.database.query<{ stripe_customer_id: string }>(
      'UPDATE customers SET stripe_customer_id = coalesce(stripe_customer_id, $2) WHERE id = $1 RETURNING stripe_customer_id',
      [id, stripeCustomerId],
    );
    if (!rows[0]) throw new NotFoundError({ what: 'customer', id });
    return rows[0].stripe_customer_id;
  }
}

interface CustomerRow {
  id: string;
  kind: Customer['kind'];
  name: string;
  email: string | null;
  wallet_address: string | null;
  stripe_customer_id: string | null;
  created_at: Date;
}

const toCustomer = (row: CustomerRow): Customer => ({
  id: row.id,
  kind: row.kind,
  name: row.name,
  email: row.email,
  walletAddress: row.wallet_address,
  stripeCustomerId: row.stripe_customer_id,
  createdAt: row.created_at,
});
