import { Client } from 'pg';
import { createPublicClient, type Hex, http } from 'viem';
import type { LocalChain } from '../src/local/chain';

/** What one settlement took of gas, alone in its transaction and sharing one, as the chain says of those of a run. */
export async function gasOfExact({ rpcUrl }: LocalChain, databaseUrl: string) {
  const alone = await transactionsOf(databaseUrl, 'count(*) = 1');
  const shared = await transactionsOf(databaseUrl, 'count(*) >= 16');
  const chain = createPublicClient({ transport: http(rpcUrl) });
  const gasPerCall = async (sent: readonly Sent[]): Promise<number | null> => {
    if (sent.length === 0) return null;
    const receipts = await Promise.all(sent.map(({ hash }) => chain.getTransactionReceipt({ hash })));
    const gas = receipts.reduce((sum, { gasUsed }) => sum + Number(gasUsed), 0);
    return Math.round(gas / sent.reduce((sum, { calls }) => sum + calls, 0));
  };
  const [exactAlone, exactBatched] = [await gasPerCall(alone), await gasPerCall(shared)];
  return { exactAlone, exactBatched, callsPerBatch: shared.map(({ calls }) => calls) };
}

interface Sent {
  readonly hash: Hex;
  readonly calls: number;
}

/** The last five, so that no payer and no receiver is new to the token. */
async function transactionsOf(databaseUrl: string, having: string): Promise<Sent[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<Sent>(
    `SELECT transaction AS hash, count(*)::int AS calls FROM chain_calls
       JOIN chain_transactions ON hash = transaction AND state = 'mined'
      GROUP BY transaction HAVING ${having} ORDER BY max(created_at) DESC LIMIT 5`,
  );
  await client.end();
  return rows;
}
