import { BillingError } from '../common/billing-error';
import { ConfigurationError } from '../config/config';
import { CommandError } from './command';

/** An error as a person at a terminal needs it: what is wrong, and what to do. */
export function explain(error: unknown): string {
  if (error instanceof BillingError) return [error.detail, error.hint].filter(Boolean).join(' ');
  if (error instanceof CommandError || error instanceof ConfigurationError) return error.message;
  const { code, message } = error as { code?: string; message?: unknown };
  const own = CODES[code ?? ''];
  if (own !== undefined) return own;
  const text = typeof message === 'string' && message !== '' ? message : String(error);
  return code === undefined ? text : `${text} (${code})`;
}

const UNREACHABLE = 'The database cannot be reached. Check DATABASE_URL, or start the local stack with npm start.';

/** By the codes of Node and PostgreSQL (Appendix A). */
const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  '28P01': 'The database refuses the password in DATABASE_URL (for migrate: in MIGRATION_DATABASE_URL).',
  '3D000': 'The database that DATABASE_URL names does not exist.',
  '42501':
    'The role that connected may not do that. As the owner, tollbridge migrate gives the application its rights.',
  '42P01': 'A table is missing. Run tollbridge migrate first.',
};
