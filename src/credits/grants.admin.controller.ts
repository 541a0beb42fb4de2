import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { InvalidRequestError } from '../common/billing-error';
import { parseMoney } from '../common/money';
import { parseInstant } from '../common/period';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from '../customers/access.guard';
import { CustomersService } from '../customers/customers.service';
import { GivenGrants } from './given-grants.service';
import { GrantHistory } from './grant-history.service';
import {
  GrantDto,
  GrantsAtDto,
  GrantsQueryDto,
  NewGrantDto,
  toGrantDto,
  toGrantsAtDto,
  VoidGrantDto,
} from './grants.dto';

/** Credit by the operator's hand. */
@ApiTags('admin: credit')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin')
export class GrantsAdminController {
  constructor(
    private readonly customers: CustomersService,
    private readonly given: GivenGrants,
    private readonly history: GrantHistory,
  ) {}

  @Post('grants')
  @ApiOperation({
    operationId: 'createGrant',
    summary: 'Give a customer credit',
    description:
      '`grant_ends_in_the_past`, `invalid_idempotency_key`: 400. `idempotency_key_reused`, `too_many_scoped_grants`: 409.',
  })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same key gives once.' })
  @ApiCreatedResponse({ type: GrantDto })
  @ApiProblems(400, 401, 403, 404, 409)
  async give(@Body() body: NewGrantDto, @Headers('idempotency-key') key?: string): Promise<GrantDto> {
    const { customerId, amount, expiresAt, priority, reason } = body;
    if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key)) throw unreadableKey();
    const end = expiresAt === undefined ? null : parseInstant(expiresAt, 'expiresAt');
    const given = {
      customerId,
      class: body.class,
      amount: parseMoney(amount, 'USD'),
      priority,
      expiresAt: end,
      models: body.models ?? null,
      reason,
    };
    return this.shown(customerId, await this.given.give(given, key));
  }

  @Get('customers/:id/grants')
  @ApiOperation({ operationId: 'listCustomerGrants', summary: 'Grants of a customer, and what is left of each' })
  @ApiOkResponse({ type: GrantsAtDto })
  @ApiProblems(400, 401, 403, 404)
  async list(@Param('id') id: string, @Query() query: GrantsQueryDto): Promise<GrantsAtDto> {
    const customer = await this.customers.get(id);
    const at = query.at === undefined ? undefined : parseInstant(query.at, 'at');
    const { limit, before } = query;
    const credit = await this.history.at(customer.id, { at, all: query.all === 'true', limit: limit + 1, before });
    return toGrantsAtDto(customer.id, credit, limit);
  }

  @Post('grants/:id/void')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'voidGrant',
    summary: 'Take back what is left of a grant, and end it',
    description:
      'What calls in flight hold is theirs; what they give back of it expires. Safe to repeat. ' +
      '`grant_not_voidable`: 409, what was paid goes back by a refund.',
  })
  @ApiOkResponse({ type: GrantDto })
  @ApiProblems(400, 401, 403, 404, 409)
  async void(@Param('id') id: string, @Body() body: VoidGrantDto): Promise<GrantDto> {
    return this.shown(await this.given.void(id, body.reason), id);
  }

  private async shown(customerId: string, id: string): Promise<GrantDto> {
    const grant = await this.history.one(customerId, id);
    return toGrantDto(grant);
  }
}

const unreadableKey = () =>
  new InvalidRequestError({
    code: 'invalid_idempotency_key',
    detail: 'Idempotency-Key must be 1 to 255 printable characters without spaces.',
  });
