import { createHash, timingSafeEqual } from 'node:crypto';
import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { AccessError, type Caller } from './access';
import { bearerOf } from './api-key';
import { ApiKeysService } from './api-keys.service';

const ADMIN_ONLY = 'admin_only';

/** Only the operator's token opens this controller or route. */
export const AdminOnly = () => SetMetadata(ADMIN_ONLY, true);

/** The caller that `AccessGuard` let in. */
export const CurrentCaller = createParamDecorator(
  (_: unknown, context: ExecutionContext): Caller =>
    context.switchToHttp().getRequest<GuardedRequest>().caller as Caller,
);

/** Lets in the operator's token, or a key with the scope `billing`. Inference is not guarded here: a key is a payment. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly keys: ApiKeysService,
    private readonly reflector: Reflector,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<GuardedRequest>();
    const secret = bearerOf(request.headers.authorization);
    if (secret === undefined) throw new AccessError('api_key_missing', 'There is no API key in the request.', 401);
    const adminOnly = this.reflector.getAllAndOverride<boolean | undefined>(ADMIN_ONLY, [
      context.getHandler(),
      context.getClass(),
    ]);
    request.caller = await this.callerOf(secret, adminOnly ?? false);
    return true;
  }

  private async callerOf(secret: string, adminOnly: boolean): Promise<Caller> {
    if (sameSecret(secret, this.config.adminToken)) return { kind: 'admin' };
    const key = await this.keys.authenticate(secret);
    if (typeof key === 'string') throw AccessError.forFault(key);
    if (adminOnly) {
      throw new AccessError(
        'admin_only',
        'Only the operator may do this.',
        403,
        'Send ADMIN_TOKEN as the bearer token.',
      );
    }
    if (!key.scopes.includes('billing')) throw AccessError.forScope('billing');
    return { kind: 'customer', customerId: key.customerId, keyId: key.id };
  }
}

type GuardedRequest = FastifyRequest & { caller?: Caller };

/** In constant time, whatever the lengths. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
