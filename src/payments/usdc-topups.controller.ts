import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemDto } from '../common/problem.dto';
import { parseMoney } from '../common/money';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { AccessError } from '../customers/access';
import { bearerOf } from '../customers/api-key';
import { ApiKeysService } from '../customers/api-keys.service';
import { UsdcTopUpService } from './exact/usdc-topup.service';
import { UsdcTopUpDto, UsdcTopUpRequestDto } from './usdc-topup.dto';

/** Top-ups in USDC: an x402 client pays the amount; a key says whose balance it is, else it is the wallet's own. */
@ApiTags('top-ups')
@ApiBearerAuth()
@Controller('v1/topups/usdc')
export class UsdcTopUpsController {
  constructor(
    private readonly topUps: UsdcTopUpService,
    private readonly keys: ApiKeysService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post()
  @ApiOperation({ operationId: 'createUsdcTopUp', summary: 'Top up with one x402 exact payment' })
  @ApiCreatedResponse({ type: UsdcTopUpDto })
  @ApiResponse({
    status: 400,
    type: ProblemDto,
    description: '`amount_out_of_range`, `invalid_amount`, `invalid_payload`',
  })
  @ApiResponse({ status: 402, type: ProblemDto, description: 'The amount to pay: PAYMENT-REQUIRED and the body.' })
  @ApiResponse({ status: 503, type: ProblemDto, description: '`settlement_in_doubt`: repeat the very same request.' })
  async create(
    @Req() request: FastifyRequest,
    @Body() body: UsdcTopUpRequestDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const answer = await this.topUps.topUp({
      id: request.id,
      url: `${this.config.http.publicUrl ?? `${request.protocol}://${request.host}`}/v1/topups/usdc`,
      headers: request.headers,
      amount: parseMoney(body.amount, 'USDC'),
      customerId: await this.customerOf(request),
    });
    void reply.status(answer.status).headers(answer.headers).header('x-request-id', request.id).send(answer.body);
  }

  private async customerOf(request: FastifyRequest): Promise<string | undefined> {
    const secret = bearerOf(request.headers.authorization);
    if (secret === undefined) return undefined;
    const key = await this.keys.authenticate(secret);
    if (typeof key === 'string') throw AccessError.forFault(key);
    if (!key.scopes.includes('billing')) throw AccessError.forScope('billing');
    return key.customerId;
  }
}
