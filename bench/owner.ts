import { Client } from 'pg';

/** One statement or a few as the owner of the database. */
export async function withOwner<Result>(url: string, work: (owner: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined); // the server was stopped under it; the query rejects as well
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
