import { Body, Controller, Get, Header, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { InvalidRequestError } from '../common/billing-error';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from './access.guard';
import { SCOPES } from './api-key';
import { ApiKeysService } from './api-keys.service';
import {
  CustomerDto,
  CustomerPageDto,
  CustomerQueryDto,
  KeyDto,
  KeyListDto,
  KeyWithSecretDto,
  NewCustomerDto,
  NewKeyDto,
  RotateKeyDto,
  toCustomerDto,
  toKeyDto,
  withSecret,
} from './customers.dto';
import { CustomersService } from './customers.service';

/** The operator's side of customers and their keys. */
@ApiTags('admin: customers')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin')
export class CustomersAdminController {
  constructor(
    private readonly customers: CustomersService,
    private readonly keys: ApiKeysService,
  ) {}

  @Post('customers')
  @ApiOperation({ summary: 'Make a customer', operationId: 'createCustomer' })
  @ApiCreatedResponse({ type: CustomerDto })
  @ApiProblems(400, 401, 403)
  async create(@Body() body: NewCustomerDto): Promise<CustomerDto> {
    return toCustomerDto(await this.customers.create(body.name, body.email ?? null));
  }

  @Get('customers')
  @ApiOperation({ summary: 'Customers, newest first', operationId: 'listCustomers' })
  @ApiOkResponse({ type: CustomerPageDto })
  @ApiProblems(400, 401, 403)
  async list(@Query() query: CustomerQueryDto): Promise<CustomerPageDto> {
    const customers = await this.customers.list(query.limit, query.after);
    const next = customers.length < query.limit ? null : (customers.at(-1)?.id ?? null);
    return { data: customers.map(toCustomerDto), next };
  }

  @Get('customers/:id')
  @ApiOperation({ summary: 'One customer', operationId: 'getCustomer' })
  @ApiOkResponse({ type: CustomerDto })
  @ApiProblems(401, 403, 404)
  async get(@Param('id') id: string): Promise<CustomerDto> {
    return toCustomerDto(await this.customers.get(id));
  }

  @Post('customers/:id/keys')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Make an API key; its secret is shown this once', operationId: 'createKey' })
  @ApiCreatedResponse({ type: KeyWithSecretDto })
  @ApiProblems(400, 401, 403, 404)
  async createKey(@Param('id') id: string, @Body() body: NewKeyDto): Promise<KeyWithSecretDto> {
    const { key, secret } = await this.keys.create(id, {
      name: body.name,
      scopes: body.scopes ?? SCOPES,
      models: body.models ?? null,
      expiresAt: body.expiresAt === undefined ? null : future(body.expiresAt),
    });
    return withSecret(key, secret);
  }

  @Get('customers/:id/keys')
  @ApiOperation({ summary: 'The keys of a customer, without their secrets', operationId: 'listKeys' })
  @ApiOkResponse({ type: KeyListDto })
  @ApiProblems(401, 403, 404)
  async listKeys(@Param('id') id: string): Promise<KeyListDto> {
    const customer = await this.customers.get(id);
    return { data: (await this.keys.list(customer.id)).map(toKeyDto) };
  }

  @Post('keys/:id/revoke')
  @HttpCode(200)
  @ApiOperation({ summary: 'End a key now; safe to repeat', operationId: 'revokeKey' })
  @ApiOkResponse({ type: KeyDto })
  @ApiProblems(401, 403, 404)
  async revoke(@Param('id') id: string): Promise<KeyDto> {
    return toKeyDto(await this.keys.revoke(id));
  }

  @Post('keys/:id/rotate')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'A new key with the same rights; the old one ends after a while', operationId: 'rotateKey' })
  @ApiCreatedResponse({ type: KeyWithSecretDto })
  @ApiProblems(400, 401, 403, 404)
  async rotate(@Param('id') id: string, @Body() body: RotateKeyDto): Promise<KeyWithSecretDto> {
    const { key, secret } = await this.keys.rotate(id, body.graceSeconds);
    return withSecret(key, secret);
  }
}

function future(text: string): Date {
  const instant = new Date(text);
  if (instant > new Date()) return instant;
  throw new InvalidRequestError({
    code: 'key_expired_at_birth',
    detail: 'expiresAt must be in the future.',
    hint: 'Leave it out for a key that does not expire.',
  });
}
