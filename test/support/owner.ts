import { Client } from 'pg';
import type { TestApp } from './app';

/** Does what only the owner of the books can, in one transaction: tests tamper through it, the application never. */
export async function asOwner(
  { ownerUrl }: Pick<TestApp, 'ownerUrl'>,
  ...statements: readonly (string | readonly [sql: string, parameters: readonly unknown[]])[]
): Promise<void> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query('BEGIN');
    for (const statement of statements) {
      if (typeof statement === 'string') await client.query(statement);
      else await client.query(statement[0], [...statement[1]]);
    }
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}
