import { Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import type { BalanceComparison, Finding } from '../../common/reconciliation-side';
import { DatabaseService } from '../../database/database.service';
import type { ChainNetwork } from '../chain/networks.service';
import { assetOf } from './chain-cursors.service';
import { findingOf, type FindingRow, transfersMissing } from './chain-finding';
import { balanceOf } from './token-balance';
import { GRACE } from './unexplained';

/** One network's side of a reconciliation. The balances differ by the amounts of the findings. */
export interface NetworkReport {
  /** `waiting`: on one side only, with time yet. */
  readonly counts: { readonly transfers: number; readonly entries: number; readonly waiting: number };
  readonly balance: BalanceComparison;
  readonly findings: readonly Finding[];
}

/** What is on one side only, network by network. */
@Injectable()
export class ChainReport {
  constructor(private readonly database: DatabaseService) {}

  /**
   * The token's balances as of `block`, up to which everything is read, against the books' accounts: without what is on
   * one side only and may still come on the other.
   * @throws when the chain does not answer.
   */
  async of(network: ChainNetwork, addresses: readonly string[], block: bigint): Promise<NetworkReport> {
    const { id } = network;
    await this.learnOpenings(network, block);
    const onChain = await balanceOf(network, addresses, block);
    const [sums] = await this.database.query<Sums>(SUMS, [id, assetOf(network)]);
    const { opening, seen, coming, booked, transfers, entries, unbooked, unseen } = sums as Sums;
    const rows = await this.database.query<FindingRow>(FINDINGS, [id]);
    const missing = onChain - opening - seen;
    return {
      counts: { transfers, entries, waiting: unbooked + unseen },
      balance: { name: `${id} USDC`, ours: usdc(booked), theirs: usdc(onChain - opening - coming) },
      findings: [...rows.map(findingOf), ...(missing === 0n ? [] : [transfersMissing(id, missing)])],
    };
  }

  /** Accounts of the books with USDC on other networks than these. */
  async otherThan(networks: readonly string[]): Promise<string[]> {
    const rows = await this.database.query<{ code: string }>(OTHER_NETWORKS, [networks]);
    return rows.map(({ code }) => code);
  }

  /** Where the node did not know any more what an address had at first, it is what it has now less what moved since. */
  private async learnOpenings(network: ChainNetwork, block: bigint): Promise<void> {
    const unknown = await this.database.query<{ address: string }>(
      'SELECT address FROM chain_cursors WHERE network = $1 AND asset = $2 AND opening_atoms IS NULL',
      [network.id, assetOf(network)],
    );
    for (const { address } of unknown) {
      const now = await balanceOf(network, [address], block);
      await this.database.query(OPENING, [network.id, assetOf(network), address, now]);
    }
  }
}

const OPENING = `
  UPDATE chain_cursors SET opening_atoms = $4::bigint
         - (SELECT coalesce(sum(atoms), 0) FROM chain_transfers WHERE network = $1 AND asset = $2 AND address = $3)
   WHERE network = $1 AND asset = $2 AND address = $3 AND opening_atoms IS NULL`;

const OTHER_NETWORKS = `
  SELECT code FROM ledger_accounts
   WHERE code LIKE 'chain:%:USDC:0x%' AND asset = 'USDC' AND credits_posted <> debits_posted
     AND NOT EXISTS (SELECT FROM unnest($1::text[]) AS network WHERE starts_with(code, 'chain:' || network || ':'))
   ORDER BY code LIMIT 10`;

/** Open, and not for so long that it is a finding. */
const COMING_TRANSFERS = `state = 'open' AND coalesce(mined_at, now()) >= now() - ${GRACE}`;
const COMING_BOOKINGS = `state = 'open' AND posted_at >= now() - ${GRACE}`;

const SUMS = `
  SELECT * FROM
    (SELECT coalesce(sum(opening_atoms), 0)::bigint AS opening FROM chain_cursors
      WHERE network = $1 AND asset = $2) cursors,
    (SELECT coalesce(sum(atoms), 0)::bigint AS seen, count(*)::int AS transfers,
            coalesce(sum(atoms) FILTER (WHERE ${COMING_TRANSFERS}), 0)::bigint AS coming,
            (count(*) FILTER (WHERE ${COMING_TRANSFERS}))::int AS unbooked
       FROM chain_transfers WHERE network = $1 AND asset = $2) transfers,
    (SELECT coalesce(sum(atoms) FILTER (WHERE NOT (${COMING_BOOKINGS})), 0)::bigint AS booked, count(*)::int AS entries,
            (count(*) FILTER (WHERE ${COMING_BOOKINGS}))::int AS unseen
       FROM chain_bookings WHERE network = $1) bookings`;

interface Sums {
  opening: bigint;
  seen: bigint;
  coming: bigint;
  booked: bigint;
  transfers: number;
  entries: number;
  /** On one side only, and young. */
  unbooked: number;
  unseen: number;
}

const FINDINGS = `
  SELECT CASE WHEN state = 'suspense' THEN 'unknown_inbound'
              WHEN atoms < 0 THEN 'unknown_outbound'
              WHEN refused IS NOT NULL THEN 'suspension_refused' ELSE 'unbooked_inbound' END AS kind,
         network, transaction, log_index::text AS position, address, other, atoms, mined_at AS since,
         NULL AS "customerId", NULL AS entry, refused
    FROM chain_transfers
   WHERE network = $1 AND (state = 'suspense' OR state = 'open' AND NOT (${COMING_TRANSFERS}))
  UNION ALL
  SELECT 'not_on_chain', network, transaction, 'entry-' || entry_id, address, NULL, -atoms, posted_at, customer_id, kind, NULL
    FROM chain_bookings
   WHERE network = $1 AND state = 'open' AND NOT (${COMING_BOOKINGS})
   ORDER BY since`;
