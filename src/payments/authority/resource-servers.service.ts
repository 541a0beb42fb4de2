import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { InvalidRequestError, NotFoundError } from '../../common/billing-error';
import { prefixedId } from '../../common/id';
import { isUniqueViolation } from '../../common/outage';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { hashKey, hintOf } from '../../customers/api-key';
import { DatabaseService } from '../../database/database.service';
import type { ResourceServer } from './resource-server';

const FORMAT = /^tbs_[A-Za-z0-9_-]{43}$/;

/** Registers resource servers, and recognises them by their keys. */
@Injectable()
export class ResourceServersService {
  constructor(
    private readonly database: DatabaseService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * The only moment at which the key exists outside its owner's hands.
   * @throws InvalidRequestError `origin_taken`
   */
  async create(server: Pick<ResourceServer, 'name' | 'origin' | 'payTo' | 'deferred'>): Promise<{
    server: ResourceServer;
    secret: string;
  }> {
    const secret = `tbs_${randomBytes(32).toString('base64url')}`;
    const rows = await this.database
      .query<ServerRow>(
        `INSERT INTO resource_servers (id, name, origin, hint, key_hash, pay_to, deferred)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *`,
        [
          prefixedId('srv'),
          server.name,
          server.origin,
          hintOf(secret),
          hashKey(secret, this.config.apiKeyPepper),
          server.payTo.map((address) => address.toLowerCase()),
          server.deferred,
        ],
      )
      .catch((error: unknown) => {
        throw isUniqueViolation(error) ? originTaken(server.origin) : error;
      });
    return { server: toServer(rows[0] as ServerRow), secret };
  }

  async list(): Promise<ResourceServer[]> {
    const rows = await this.database.query<ServerRow>('SELECT * FROM resource_servers ORDER BY id DESC LIMIT 1000');
    return rows.map(toServer);
  }

  /** Ends its key now; its origin may be registered again. Safe to repeat. @throws NotFoundError */
  async revoke(id: string): Promise<ResourceServer> {
    const rows = await this.database.query<ServerRow>(
      'UPDATE resource_servers SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING *',
      [id],
    );
    if (!rows[0]) throw new NotFoundError({ what: 'resource server', id });
    return toServer(rows[0]);
  }

  /** The server behind a key, if it may still be used. */
  async authenticate(secret: string): Promise<ResourceServer | undefined> {
    if (!FORMAT.test(secret)) return undefined;
    const rows = await this.database.query<ServerRow>(
      'SELECT * FROM resource_servers WHERE key_hash = $1 AND revoked_at IS NULL',
      [hashKey(secret, this.config.apiKeyPepper)],
    );
    return rows[0] && toServer(rows[0]);
  }

  async ofOrigin(origin: string): Promise<ResourceServer | undefined> {
    const rows = await this.database.query<ServerRow>(
      'SELECT * FROM resource_servers WHERE origin = $1 AND revoked_at IS NULL',
      [origin],
    );
    return rows[0] && toServer(rows[0]);
  }
}

const originTaken = (origin: string): InvalidRequestError =>
  new InvalidRequestError({
    code: 'origin_taken',
    status: 409,
    detail: `A resource server of ${origin} is registered.`,
    hint: 'Revoke it before its origin gets another key.',
  });

interface ServerRow {
  id: string;
  name: string;
  origin: string;
  hint: string;
  pay_to: string[];
  deferred: boolean;
  created_at: Date;
  revoked_at: Date | null;
}

const toServer = (row: ServerRow): ResourceServer => ({
  id: row.id,
  name: row.name,
  origin: row.origin,
  hint: row.hint,
  payTo: row.pay_to,
  deferred: row.deferred,
  createdAt: row.created_at,
  revokedAt: row.revoked_at,
});
