import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import type { Withdrawal, WithdrawalState } from './withdrawal';

/** Longer than a payout waits for its block: whoever holds the lease is at it. */
const LEASE_SECONDS = 45;

/** The rows of `withdrawals`. */
@Injectable()
export class WithdrawalStore {
  constructor(private readonly database: DatabaseService) {}

  /** The row belongs to whoever made it until its lease runs out. `false` when it was made before. */
  async insert(tx: Tx, withdrawal: Withdrawal): Promise<boolean> {
    const { id, kind, customerId, network, payTo, to, atoms, feeAtoms, validBefore } = withdrawal;
    const rows = await tx.query(
      `INSERT INTO withdrawals (id, kind, customer_id, network, pay_to, to_address, atoms, fee_atoms, valid_before, lease_until)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(secs => $10)) ON CONFLICT DO NOTHING RETURNING id`,
      [id, kind, customerId, network, payTo, to, atoms, feeAtoms, validBefore, LEASE_SECONDS],
    );
    return rows.length === 1;
  }

  async find(id: string): Promise<Withdrawal | undefined> {
    const rows = await this.database.query<Row>('SELECT * FROM withdrawals WHERE id = $1', [id]);
    return rows[0] && toWithdrawal(rows[0]);
  }

  /** Newest first. */
  async ofCustomer(customerId: string, limit = 100): Promise<Withdrawal[]> {
    const sql = 'SELECT * FROM withdrawals WHERE customer_id = $1 ORDER BY id DESC LIMIT $2';
    return (await this.database.query<Row>(sql, [customerId, limit])).map(toWithdrawal);
  }

  /** What is on its way, in micro-USDC. */
  async promised(network: string): Promise<bigint> {
    const [row] = await this.database.query<{ atoms: bigint }>(
      `SELECT coalesce(sum(atoms), 0)::bigint AS atoms FROM withdrawals WHERE network = $1 AND state = 'settling'`,
      [network],
    );
    return row?.atoms ?? 0n;
  }

  /** Takes over what nobody is at: each row goes to one process. */
  async takeAbandoned(limit = 20): Promise<Withdrawal[]> {
    const rows = await this.database.query<Row>(
      `UPDATE withdrawals SET lease_until = now() + make_interval(secs => $1)
        WHERE id IN (SELECT id FROM withdrawals WHERE state = 'settling' AND lease_until < now()
                      ORDER BY lease_until LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING *`,
      [LEASE_SECONDS, limit],
    );
    return rows.map(toWithdrawal);
  }

  /** `false` when it was finished before. */
  async finish(tx: Tx, id: string, state: WithdrawalState, transaction: string | null): Promise<boolean> {
    const rows = await tx.query(
      `UPDATE withdrawals SET state = $2, transaction = $3, finished_at = now()
        WHERE id = $1 AND state = 'settling' RETURNING id`,
      [id, state, transaction],
    );
    return rows.length === 1;
  }
}

interface Row {
  id: string;
  kind: Withdrawal['kind'];
  customer_id: string;
  network: string;
  pay_to: `0x${string}`;
  to_address: `0x${string}`;
  atoms: bigint;
  fee_atoms: bigint;
  valid_before: Date;
  state: WithdrawalState;
  transaction: string | null;
  created_at: Date;
}

const toWithdrawal = (row: Row): Withdrawal => ({
  id: row.id,
  kind: row.kind,
  customerId: row.customer_id,
  network: row.network,
  payTo: row.pay_to,
  to: row.to_address,
  atoms: row.atoms,
  feeAtoms: row.fee_atoms,
  validBefore: row.valid_before,
  state: row.state,
  transaction: row.transaction,
  createdAt: row.created_at,
});
