import { Client } from 'pg';
import { createPublicClient, type Hex, http } from 'viem';
import type { LocalChain } from '../src/local/chain';

/** What one settlement took of gas, alone in its transaction and sharing one, as the chain says of those of a run. */
export async function gasOfExact(chain: LocalChain, databaseUrl: string) {
  const alone = await transactionsOf(databaseUrl, 'exact:%', 'count(*) = 1');
  const shared = await transactionsOf(databaseUrl, 'exact:%', 'count(*) >= 16');
  const [exactAlone, exactBatched] = [await gasPerCall(chain, alone), await gasPerCall(chain, shared)];
  return { exactAlone, exactBatched, callsPerBatch: shared.map(({ calls }) => calls) };
}

/** The same of everything else that a run has sent. A claim's gas is that of one of its channels. */
export async function gasOfOthers(chain: LocalChain, databaseUrl: string) {
  const gasOf = async (reference: string, having: string) =>
    gasPerCall(chain, await transactionsOf(databaseUrl, reference, having));
  const claims = await claimsOf(databaseUrl);
  return {
    upto: await gasOf('upto:%', 'count(*) = 1'),
    depositAlone: await gasOf('channel-deposit:%', 'count(*) = 1'),
    depositBatched: await gasOf('channel-deposit:%', 'count(*) >= 16'),
    claim: await gasPerCall(chain, claims),
    channelsPerClaim: claims.map(({ calls }) => calls),
  };
}

interface Sent {
  readonly hash: Hex;
  /** How many share it. */
  readonly calls: number;
}

async function gasPerCall({ rpcUrl }: LocalChain, sent: readonly Sent[]): Promise<number | null> {
  if (sent.length === 0) return null;
  const chain = createPublicClient({ transport: http(rpcUrl) });
  const receipts = await Promise.all(sent.map(({ hash }) => chain.getTransactionReceipt({ hash })));
  const gas = receipts.reduce((sum, { gasUsed }) => sum + Number(gasUsed), 0);
  return Math.round(gas / sent.reduce((sum, { calls }) => sum + calls, 0));
}

/** The last five, so that no payer and no receiver is new to the token. */
const transactionsOf = (databaseUrl: string, reference: string, having: string): Promise<Sent[]> =>
  rowsOf(
    databaseUrl,
    `SELECT transaction AS hash, count(*)::int AS calls FROM chain_calls
       JOIN chain_transactions ON hash = transaction AND state = 'mined'
      GROUP BY transaction HAVING ${having} AND bool_and(reference LIKE $1) ORDER BY max(created_at) DESC LIMIT 5`,
    [reference],
  );

const claimsOf = (databaseUrl: string): Promise<Sent[]> =>
  rowsOf(
    databaseUrl,
    `SELECT transaction AS hash, jsonb_array_length(claims) AS calls FROM channel_claims
      WHERE state = 'settled' AND jsonb_array_length(claims) >= 16 ORDER BY created_at DESC LIMIT 5`,
  );

async function rowsOf(databaseUrl: string, query: string, parameters: unknown[] = []): Promise<Sent[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<Sent>(query, parameters);
  await client.end();
  return rows;
}
