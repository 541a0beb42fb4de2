import { Body, Controller, Get, Header, Headers, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../common/problem.dto';
import { AccessError } from '../../customers/access';
import { bearerOf } from '../../customers/api-key';
import { ApiKeysService } from '../../customers/api-keys.service';
import { AttestationDto, AuthorizeRequestDto, FacilitatorRequestDto } from './authority.dto';
import { AuthorityIdentity } from './authority-identity.service';
import { AuthorizeService } from './authorize.service';
import { ForeignSettlement } from './foreign-settlement.service';
import type { ResourceServer } from './resource-server';
import { CurrentServer, ResourceServerGuard } from './resource-server.guard';

/**
 * The bundle authority of the x402 draft binding `credit`. At the origin's root, since the draft wants the address of
 * the facilitator, the origin of the keys and the attestations' `iss` to be one.
 */
@ApiTags('credit authority (experimental)')
@Controller()
export class AuthorityController {
  constructor(
    private readonly authority: AuthorityIdentity,
    private readonly keys: ApiKeysService,
    private readonly authorizations: AuthorizeService,
    private readonly settlements: ForeignSettlement,
  ) {}

  @Get('.well-known/jwks.json')
  @Header('cache-control', 'public, max-age=300')
  @ApiOperation({ summary: 'The keys that attestations are signed with (RFC 7517)', operationId: 'getAuthorityKeys' })
  @ApiOkResponse({ description: 'A JSON Web Key Set.' })
  @ApiProblems(501)
  jwks() {
    return this.authority.keys.published;
  }

  @Get('supported')
  @ApiOperation({ summary: 'What this authority settles, as x402 facilitators say it', operationId: 'getSupported' })
  @ApiOkResponse({ description: 'x402 `SupportedResponse`.' })
  @ApiProblems(501)
  supported() {
    const { network, extra } = this.authority;
    return { kinds: [{ x402Version: 2, scheme: 'batch-settlement', network, extra }], extensions: [], signers: {} };
  }

  @Post('authorize')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Hold prepaid credit for one resource and sign for it', operationId: 'authorizeCredit' })
  @ApiOkResponse({ type: AttestationDto })
  @ApiProblems(400, 401, 402, 403, 404, 409, 501, 503)
  async authorize(
    @Headers('authorization') authorization: string | undefined,
    @Body() body: AuthorizeRequestDto,
  ): Promise<AttestationDto> {
    const key = await this.keys.authenticate(bearerOf(authorization) ?? '');
    if (typeof key === 'string') throw AccessError.forFault(key);
    if (!key.scopes.includes('inference')) throw AccessError.forScope('inference');
    return { attestation: await this.authorizations.authorize(key, body) };
  }

  @Post('verify')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiBearerAuth()
  @UseGuards(ResourceServerGuard)
  @ApiOperation({ summary: 'Whether an attestation pays for a resource', operationId: 'verifyAttestation' })
  @ApiOkResponse({ description: 'x402 `VerifyResponse`.' })
  @ApiProblems(400, 401, 501, 503)
  verify(@CurrentServer() server: ResourceServer, @Body() body: FacilitatorRequestDto) {
    return this.settlements.verify(server, body);
  }

  @Post('settle')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiBearerAuth()
  @UseGuards(ResourceServerGuard)
  @ApiOperation({ summary: 'Charge what was used of an attestation, once', operationId: 'settleAttestation' })
  @ApiOkResponse({ description: 'x402 `SettleResponse`.' })
  @ApiProblems(400, 401, 501, 503)
  settle(@CurrentServer() server: ResourceServer, @Body() body: FacilitatorRequestDto) {
    return this.settlements.settle(server, body);
  }
}
