import { Injectable } from '@nestjs/common';
import { privateKeyToAddress } from 'viem/accounts';
import { DatabaseService } from '../../database/database.service';
import type { ChainNetwork } from '../chain/networks.service';
import { assetOf } from './chain-cursors.service';

/** Whose transfers are ours to know of. */
@Injectable()
export class OurAddresses {
  constructor(private readonly database: DatabaseService) {}

  /**
   * Lower case: who is paid, the hot wallets (also our facilitator), who signs for channels and payouts, and every
   * address that the books have USDC on, such as a `payTo` of earlier, or that was read before: what it has is in the
   * sums of the report.
   */
  async of(network: ChainNetwork): Promise<string[]> {
    const { id, config, addresses } = network;
    const prefix = `chain:${id}:USDC:`;
    const known = await this.database.query<{ address: string }>(
      `SELECT substr(code, length($1) + 1) AS address FROM ledger_accounts
        WHERE customer_id IS NULL AND starts_with(code, $1)
       UNION SELECT address FROM chain_cursors WHERE network = $2 AND asset = $3`,
      [prefix, id, assetOf(network)],
    );
    const keys = [config.authorizerKey, config.payoutKey].flatMap((key) => (key === undefined ? [] : [key]));
    const configured = [config.payTo, ...addresses, ...keys.map((key) => privateKeyToAddress(key))];
    const all = [...configured.map((address) => address.toLowerCase()), ...known.map(({ address }) => address)];
    return [...new Set(all)].toSorted();
  }
}
