import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { bearerOf } from '../../customers/api-key';
import { UnauthorizedServerError } from './authority-error';
import type { ResourceServer } from './resource-server';
import { ResourceServersService } from './resource-servers.service';

/** The server that `ResourceServerGuard` let in. */
export const CurrentServer = createParamDecorator(
  (_: unknown, context: ExecutionContext): ResourceServer =>
    context.switchToHttp().getRequest<ServersRequest>().resourceServer as ResourceServer,
);

/** Lets in registered resource servers, by their key. */
@Injectable()
export class ResourceServerGuard implements CanActivate {
  constructor(private readonly servers: ResourceServersService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ServersRequest>();
    const server = await this.servers.authenticate(bearerOf(request.headers.authorization) ?? '');
    if (!server) throw new UnauthorizedServerError();
    request.resourceServer = server;
    return true;
  }
}

type ServersRequest = FastifyRequest & { resourceServer?: ResourceServer };
