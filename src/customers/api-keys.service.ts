import { Inject, Injectable } from '@nestjs/common';
import DataLoader from 'dataloader';
import { NotFoundError } from '../common/billing-error';
import { prefixedId } from '../common/id';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import {
  type ApiKey,
  faultOf,
  hashKey,
  hintOf,
  isKey,
  type KeyFault,
  type KeyInUse,
  mintKey,
  type Scope,
} from './api-key';
import type { Budget, ScopedGrantHint } from './spending';

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly models: readonly string[] | null;
  readonly expiresAt: Date | null;
}

/** Mints, finds and ends API keys. */
@Injectable()
export class ApiKeysService {
  /**
   * Keys that are asked for while a look-up is on its way share the next one. Nothing is remembered: a revoked key
   * stops at once.
   */
  private readonly byHash = new DataLoader<string, KeyInUse | undefined>((hashes) => this.find(hashes), {
    cache: false,
    maxBatchSize: 500,
    batchScheduleFn: (load) => void this.lookingUp.then(load, load),
  });
  private lookingUp: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: DatabaseService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The key behind a secret, or why it cannot be used. */
  async authenticate(secret: string, now = new Date()): Promise<KeyInUse | KeyFault> {
    if (!isKey(secret)) return 'unknown';
    const key = await this.byHash.load(hashKey(secret, this.config.apiKeyPepper).toString('hex'));
    return faultOf(key, now) ?? (key as KeyInUse);
  }

  /** The only moment at which the secret exists outside its owner's hands. */
  async create(customerId: string, key: NewKey): Promise<{ key: ApiKey; secret: string }> {
    return this.insert(this.database, customerId, key);
  }

  private async insert(tx: Tx, customerId: string, key: NewKey): Promise<{ key: ApiKey; secret: string }> {
    const secret = mintKey();
    const rows = await tx.query<KeyRow>(
      `INSERT INTO api_keys (id, customer_id, name, hint, hash, scopes, models, expires_at)
       SELECT $1, id, $3, $4, $5, $6, $7, $8 FROM customers WHERE id = $2 RETURNING *`,
      [
        prefixedId('key'),
        customerId,
        key.name,
        hintOf(secret),
        hashKey(secret, this.config.apiKeyPepper),
        key.scopes,
        key.models,
        key.expiresAt,
      ],
    );
    if (!rows[0]) throw new NotFoundError({ what: 'customer', id: customerId });
    return { key: toKey(rows[0]), secret };
  }

  /** Ends a key now. Safe to repeat: the first instant stays. */
  async revoke(id: string): Promise<ApiKey> {
    const rows = await this.database.query<KeyRow>(
      'UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING *',
      [id],
    );
    if (!rows[0]) throw new NotFoundError({ what: 'key', id });
    return toKey(rows[0]);
  }

  /** A new secret with the old one's rights; the old one ends after `graceSeconds`, so that clients can change over. */
  async rotate(id: string, graceSeconds: number): Promise<{ key: ApiKey; secret: string }> {
    return this.database.transaction(async (tx) => {
      const [row] = await tx.query<KeyRow>(
        `SELECT * FROM api_keys WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) FOR UPDATE`,
        [id],
      );
      if (!row) throw new NotFoundError({ what: 'key', id, hint: 'Only a key that can still be used is rotated.' });
      await tx.query(
        'UPDATE api_keys SET expires_at = least(expires_at, now() + make_interval(secs => $2)) WHERE id = $1',
        [id, graceSeconds],
      );
      const { name, scopes, models, expiresAt } = toKey(row);
      return this.insert(tx, row.customer_id, { name, scopes, models, expiresAt });
    });
  }

  async list(customerId?: string): Promise<ApiKey[]> {
    const rows = await this.database.query<KeyRow>(
      'SELECT * FROM api_keys WHERE $1::text IS NULL OR customer_id = $1 ORDER BY created_at LIMIT 1000',
      [customerId ?? null],
    );
    return rows.map(toKey);
  }

  private find(hashes: readonly string[]): Promise<(KeyInUse | undefined)[]> {
    const found = this.findNow(hashes);
    this.lookingUp = found;
    return found;
  }

  private async findNow(hashes: readonly string[]): Promise<(KeyInUse | undefined)[]> {
    const rows = await this.database.prepared<KeyInUseRow>(
      'api_keys_by_hash',
      `SELECT api_keys.*, time_zone, budgets, scoped_grants FROM api_keys JOIN customers ON customers.id = customer_id
        WHERE hash = ANY ($1)`,
      [hashes.map((hash) => Buffer.from(hash, 'hex'))],
    );
    const found = new Map(rows.map((row) => [row.hash.toString('hex'), toKeyInUse(row)]));
    return hashes.map((hash) => found.get(hash));
  }
}

interface KeyRow {
  id: string;
  customer_id: string;
  name: string;
  hint: string;
  hash: Buffer;
  scopes: Scope[];
  models: string[] | null;
  expires_at: Date | null;
  revoked_at: Date | null;
  created_at: Date;
}

interface KeyInUseRow extends KeyRow {
  time_zone: string;
  budgets: Budget[] | null;
  scoped_grants: ScopedGrantHint[] | null;
}

const toKeyInUse = (row: KeyInUseRow): KeyInUse => ({
  ...toKey(row),
  spending: row.budgets && { timeZone: row.time_zone, budgets: row.budgets },
  scopedGrants: row.scoped_grants,
});

const toKey = (row: KeyRow): ApiKey => ({
  id: row.id,
  customerId: row.customer_id,
  name: row.name,
  hint: row.hint,
  scopes: row.scopes,
  models: row.models,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
  createdAt: row.created_at,
});
