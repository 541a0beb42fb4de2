import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { Tx } from '../database/tx';
import { CommandError } from './command';

/** Who connects by a URL, as `pg` understands it: the URL's user, else PGUSER, else the system's. Connects nowhere. */
export function roleOf(url: string): { name: string; password: string | undefined } {
  const { user, password } = new Client({ connectionString: url });
  return { name: user ?? '', password: password ?? undefined };
}

/**
 * Sees to it that the application's role is there. A migrator that may make roles makes it, with the password of
 * DATABASE_URL; one that exists is left as it is.
 *
 * @throws CommandError with the SQL for whoever may.
 */
export async function ensureApplicationRole(tx: Tx, application: ReturnType<typeof roleOf>): Promise<'made' | 'there'> {
  const { name, password } = application;
  const [row] = await tx.query<{ there: boolean; may: boolean; quoted: string; migrator: string }>(
    `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS there, rolcreaterole OR rolsuper AS may,
            quote_ident($1) AS quoted, current_user::text AS migrator
       FROM pg_roles WHERE rolname = current_user`,
    [name],
  );
  if (row?.there) return 'there';
  if (!row?.may || password === undefined) {
    throw new CommandError(
      [
        `DATABASE_URL names the role ${name}, which does not exist, and ${row?.migrator ?? 'the migrator'} may not make it.`,
        'Have it made by an administrator of the database, then migrate again:',
        `  CREATE ROLE ${row?.quoted ?? name} LOGIN PASSWORD '…';`,
      ].join('\n'),
    );
  }
  await tx.query(`CREATE ROLE ${row.quoted} LOGIN PASSWORD '${scramVerifier(password)}'`);
  return 'made';
}

/**
 * What PostgreSQL keeps of a password (RFC 5803): sent in its place, so that no statement log holds the password.
 * The characters are taken as they are, as `pg` does when it logs in.
 */
export function scramVerifier(password: string, salt = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  const serverKey = hmac('Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
