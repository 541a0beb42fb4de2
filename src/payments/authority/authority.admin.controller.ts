import { Body, Controller, Get, Header, HttpCode, Param, ParseUUIDPipe, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { InvalidRequestError, NotFoundError } from '../../common/billing-error';
import { ApiProblems } from '../../common/problem.dto';
import { AccessGuard, AdminOnly } from '../../customers/access.guard';
import {
  BundleDto,
  CommitmentStateDto,
  NewResourceServerDto,
  ResourceServerDto,
  ResourceServerListDto,
  ResourceServerWithKeyDto,
} from './authority.dto';
import { AuthorityIdentity } from './authority-identity.service';
import { originOf } from './authorization';
import { BundlesService } from './bundles.service';
import { CommitmentsService } from './commitments.service';
import { ResourceServersService } from './resource-servers.service';
import { CommitmentSettlement } from './settlement.service';

/** The operator's side of the credit authority. */
@ApiTags('admin: credit authority (experimental)')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin')
export class AuthorityAdminController {
  constructor(
    private readonly authority: AuthorityIdentity,
    private readonly servers: ResourceServersService,
    private readonly bundles: BundlesService,
    private readonly commitments: CommitmentsService,
    private readonly settlement: CommitmentSettlement,
  ) {}

  @Post('resource-servers')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Register a resource server; its key is shown this once', operationId: 'createServer' })
  @ApiCreatedResponse({ type: ResourceServerWithKeyDto })
  @ApiProblems(400, 401, 403, 409)
  async create(@Body() { name, origin: url, payTo = [], deferred = false }: NewResourceServerDto) {
    const origin = originOf(url) ?? '';
    if (origin === this.authority.origin) throw ownOrigin(origin);
    const { server, secret } = await this.servers.create({ name, origin, payTo, deferred });
    return { ...server, key: secret } satisfies ResourceServerWithKeyDto;
  }

  @Get('resource-servers')
  @ApiOperation({ summary: 'Resource servers, newest first', operationId: 'listServers' })
  @ApiOkResponse({ type: ResourceServerListDto })
  @ApiProblems(401, 403)
  async list(): Promise<ResourceServerListDto> {
    return { data: await this.servers.list() };
  }

  @Post('resource-servers/:id/revoke')
  @HttpCode(200)
  @ApiOperation({ summary: "End a resource server's key now; safe to repeat", operationId: 'revokeServer' })
  @ApiOkResponse({ type: ResourceServerDto })
  @ApiProblems(401, 403, 404)
  revokeServer(@Param('id') id: string): Promise<ResourceServerDto> {
    return this.servers.revoke(id);
  }

  @Post('bundles/:id/freeze')
  @HttpCode(200)
  @ApiOperation({ summary: "Sign nothing more for a customer's credit", operationId: 'freezeBundle' })
  @ApiOkResponse({ type: BundleDto })
  @ApiProblems(401, 403, 404)
  async freeze(@Param('id') id: string): Promise<BundleDto> {
    return { id, frozenAt: await this.bundles.freeze(id) };
  }

  @Post('bundles/:id/unfreeze')
  @HttpCode(200)
  @ApiOperation({ summary: 'Sign again', operationId: 'unfreezeBundle' })
  @ApiOkResponse({ type: BundleDto })
  @ApiProblems(401, 403, 404)
  async unfreeze(@Param('id') id: string): Promise<BundleDto> {
    return { id, frozenAt: await this.bundles.unfreeze(id) };
  }

  @Post('commitments/:id/revoke')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Take an attestation back and free its credit; safe to repeat',
    operationId: 'revokeCommitment',
  })
  @ApiOkResponse({ type: CommitmentStateDto })
  @ApiProblems(400, 401, 403, 404, 409)
  async revoke(@Param('id', ParseUUIDPipe) id: string): Promise<CommitmentStateDto> {
    if (await this.settlement.revoke(id)) return { id, state: 'revoked' };
    const commitment = await this.commitments.find(id);
    if (!commitment) throw new NotFoundError({ what: 'commitment', id });
    throw new InvalidRequestError({
      code: 'commitment_ended',
      status: 409,
      detail: `This commitment is ${commitment.state}: there is nothing to take back.`,
    });
  }
}

const ownOrigin = (origin: string): InvalidRequestError =>
  new InvalidRequestError({
    code: 'own_origin',
    detail: `${origin} is this server itself, which needs no key to settle.`,
  });
