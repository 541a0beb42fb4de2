import { createHmac } from 'node:crypto';
import { Client } from 'pg';

const DATABASE = 'tollbridge';
const OWNER = 'tollbridge';
const APPLICATION = 'tollbridge_app';

/**
 * The database and the two roles of the local world, as production has them: one that owns everything and migrates,
 * one that the application connects as. What the second may do is the migration's matter.
 */
export async function ensureDatabaseAndRoles(
  port: number,
  ownerPassword: string,
): Promise<{ url: string; ownerUrl: string }> {
  // Follows from the owner's: a cluster of an earlier version needs no second secret. It does not lead back to it.
  const password = createHmac('sha256', ownerPassword).update(APPLICATION).digest('hex').slice(0, 36);
  const urlOf = (user: string, secret: string, database: string) =>
    `postgres://${user}:${secret}@127.0.0.1:${port}/${database}`;
  const client = new Client({ connectionString: urlOf(OWNER, ownerPassword, 'postgres') });
  await client.connect();
  try {
    const { rows } = await client.query<{ database: boolean; role: boolean }>(
      `select exists (select from pg_database where datname = $1) as database,
              exists (select from pg_roles where rolname = $2) as role`,
      [DATABASE, APPLICATION],
    );
    if (!rows[0]?.database) await client.query(`create database ${DATABASE}`);
    if (!rows[0]?.role) await client.query(`create role ${APPLICATION} login password '${password}'`);
  } finally {
    await client.end();
  }
  return { url: urlOf(APPLICATION, password, DATABASE), ownerUrl: urlOf(OWNER, ownerPassword, DATABASE) };
}
