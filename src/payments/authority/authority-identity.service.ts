import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../../common/billing-error';
import { CONFIG } from '../../config/config.module';
import { type Config, ConfigurationError } from '../../config/config';
import { originOf } from './authorization';
import { type AuthorityKeys, readAuthorityKeys } from './authority-keys';

/** Version of the binding that is spoken here. */
const VERSION = '1.0.0';

/** Who the authority is: its origin is what everybody trusts, its network is a label. */
@Injectable()
export class AuthorityIdentity {
  /** Where it is reached, where its keys are, and the `iss` of what it signs: one origin. */
  readonly origin: string;
  private readonly ownKeys: AuthorityKeys | undefined;

  /** @throws ConfigurationError when its keys cannot be read. */
  constructor(@Inject(CONFIG) private readonly config: Config) {
    const { host, port, publicUrl } = config.http;
    this.origin = originOf(publicUrl ?? '') ?? `http://${host}:${port}`;
    this.ownKeys = config.creditAuthority && keysOf(config.creditAuthority.jwks);
  }

  /** Whether credit can be spent by attestations here. */
  get isConfigured(): boolean {
    return this.ownKeys !== undefined;
  }

  /** @throws BillingError `authority_not_configured` */
  get keys(): AuthorityKeys {
    return this.ownKeys ?? notConfigured();
  }

  /** `<authority>:credit`. @throws BillingError `authority_not_configured` */
  get network(): `${string}:${string}` {
    return this.config.creditAuthority?.network ?? notConfigured();
  }

  /** What requirements and `/supported` say of it in `extra`. */
  get extra(): Readonly<Record<string, string>> {
    return { version: VERSION, authority: this.origin, purchaseUrl: `${this.origin}/v1/topups` };
  }
}

function keysOf(jwks: string): AuthorityKeys {
  try {
    return readAuthorityKeys(jwks);
  } catch (error) {
    const should = `must be a JSON Web Key Set of private Ed25519 keys: ${(error as Error).message}`;
    throw new ConfigurationError([{ variable: 'CREDIT_AUTHORITY_JWKS', should }]);
  }
}

function notConfigured(): never {
  throw new BillingError({
    code: 'authority_not_configured',
    status: 501,
    title: 'Not available here',
    detail: 'This server signs no attestations for prepaid credit.',
    hint: 'Pay with the API key itself, or in USDC.',
  });
}
