import { Body, Controller, Get, Inject, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import { AccessGuard, CurrentCaller } from '../customers/access.guard';
import { type Caller, oneCustomer, visibleCustomer } from '../customers/access';
import { ACCESS_PROBLEMS, ApiRefusals, PROCESSOR_PROBLEMS } from './refusals.dto';
import {
  CreateTopUpDto,
  ListTopUpsDto,
  ReceiptDto,
  toTopUpDto,
  TopUpDto,
  TopUpListDto,
  TopUpOptionsDto,
  toTopUpOptionsDto,
} from './topup.dto';
import { TopUpsService } from './topups.service';

/** Prepaid credit by card: for a key with the scope `billing`, or for the operator. */
@ApiTags('top-ups')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/topups')
export class TopUpsController {
  constructor(
    private readonly topUps: TopUpsService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post()
  @ApiOperation({
    operationId: 'createTopUp',
    summary: 'Start a top-up by card',
    description: 'Send the customer to `url`. The credit is there when the state is `paid`; until then it is not.',
  })
  @ApiCreatedResponse({ type: TopUpDto })
  @ApiRefusals(
    ...ACCESS_PROBLEMS,
    { status: 400, code: 'amount_out_of_range', detail: 'The amount is not within the bounds, which are given.' },
    { status: 400, code: 'currency_not_taken', detail: 'Not a currency that is taken here; those are given.' },
    { status: 400, code: 'customer_id_required', detail: 'The operator must say whose balance is meant.' },
    ...PROCESSOR_PROBLEMS,
  )
  async create(@CurrentCaller() caller: Caller, @Body() body: CreateTopUpDto): Promise<TopUpDto> {
    return toTopUpDto(await this.topUps.create(oneCustomer(caller, body.customerId), body));
  }

  @Get()
  @ApiOperation({ operationId: 'listTopUps', summary: 'List top-ups, newest first' })
  @ApiOkResponse({ type: TopUpListDto })
  @ApiRefusals(...ACCESS_PROBLEMS)
  async list(@CurrentCaller() caller: Caller, @Query() query: ListTopUpsDto): Promise<TopUpListDto> {
    const { customerId, limit, before } = query;
    const found = await this.topUps.list(visibleCustomer(caller, customerId), limit + 1, before);
    return { data: found.slice(0, limit).map(toTopUpDto), hasMore: found.length > limit };
  }

  @Get('options')
  @ApiOperation({ operationId: 'getTopUpOptions', summary: 'Bounds, bonuses and currencies' })
  @ApiOkResponse({ type: TopUpOptionsDto })
  @ApiRefusals(...ACCESS_PROBLEMS)
  options(): TopUpOptionsDto {
    return toTopUpOptionsDto(this.config.topUps);
  }

  @Get(':id/receipt')
  @ApiOperation({ operationId: 'getTopUpReceipt', summary: 'Where the receipt of a paid top-up is' })
  @ApiOkResponse({ type: ReceiptDto })
  @ApiRefusals(
    ...ACCESS_PROBLEMS,
    { status: 404, code: 'top_up_not_found', detail: 'There is no such top-up.' },
    { status: 404, code: 'receipt_not_found', detail: 'It has not been paid by card.' },
    ...PROCESSOR_PROBLEMS,
  )
  async receipt(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<ReceiptDto> {
    return { url: await this.topUps.receipt(id, visibleCustomer(caller, undefined)) };
  }

  @Get(':id')
  @ApiOperation({ operationId: 'getTopUp', summary: 'One top-up' })
  @ApiOkResponse({ type: TopUpDto })
  @ApiRefusals(...ACCESS_PROBLEMS, { status: 404, code: 'top_up_not_found', detail: 'There is no such top-up.' })
  async get(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<TopUpDto> {
    return toTopUpDto(await this.topUps.get(id, visibleCustomer(caller, undefined)));
  }
}
