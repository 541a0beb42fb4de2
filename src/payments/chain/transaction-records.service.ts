import { Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import { DatabaseService } from '../../database/database.service';
import { type ChainCall, lapseOf } from './chain-call';
import type { ChainTransaction } from './chain-transaction';
import type { ChainNetwork } from './networks.service';

type NewTransaction = Omit<ChainTransaction, 'state'>;

/** The transactions that were signed, and the nonces that they have used: one statement keeps both. */
@Injectable()
export class TransactionRecords {
  /** The next nonces, as they were after our last transactions; another replica may have gone on from there. */
  private readonly nonces = new Map<string, bigint>();

  constructor(private readonly database: DatabaseService) {}

  /**
   * The nonce to sign with: as this process remembers it, else as it is in PostgreSQL, and at first as the chain has it.
   * @throws when the database, or the chain for a new key, does not answer.
   */
  async nextNonce({ id, reader }: ChainNetwork, address: Hex): Promise<bigint> {
    const known = this.nonces.get(`${id} ${address}`);
    if (known !== undefined) return known;
    const find = () =>
      this.database.query<{ nonce: bigint }>(
        'SELECT next_nonce AS nonce FROM chain_signers WHERE network = $1 AND address = $2',
        [id, address],
      );
    const [row] = await find();
    if (row) return row.nonce;
    const count = await reader.getTransactionCount({ address, blockTag: 'pending' });
    await this.database.query('INSERT INTO chain_signers VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
      id,
      address,
      count,
    ]);
    const [made] = await find();
    if (!made) throw new Error(`${address} has no row in chain_signers.`);
    return made.nonce;
  }

  /**
   * The nonce is taken if and only if the transaction is written down, by one statement. `false` when somebody else has
   * taken it: nothing was written, and another nonce must be signed.
   */
  async write(transaction: NewTransaction, calls: readonly ChainCall[]): Promise<boolean> {
    const { hash, network, signer, nonce, raw } = transaction;
    const name = `${network} ${signer}`;
    this.nonces.delete(name); // unless this succeeds, PostgreSQL knows better
    const written = await this.database.query(
      `WITH taken AS (
         UPDATE chain_signers SET next_nonce = next_nonce + 1
          WHERE network = $2 AND address = $3 AND next_nonce = $4 RETURNING next_nonce
       ), written AS (
         INSERT INTO chain_transactions (hash, network, signer, nonce, raw, state, valid_until)
         SELECT $1, $2, $3, $4, $5, 'signed', $7::timestamptz FROM taken
       ), carried AS (
         INSERT INTO chain_calls (transaction, position, reference)
         SELECT $1, position - 1, reference FROM taken, unnest($6::text[]) WITH ORDINALITY AS call (reference, position)
       ) SELECT FROM taken`,
      [hash, network, signer, nonce, raw, calls.map(({ reference }) => reference), lapseOf(calls)],
    );
    if (written.length === 0) return false;
    this.nonces.set(name, nonce + 1n);
    return true;
  }
}
