import { Body, Controller, Get, HttpCode, Post, Put, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { NotFoundError } from '../../common/billing-error';
import { AccessGuard, CurrentCaller } from '../../customers/access.guard';
import { type Caller, oneCustomer } from '../../customers/access';
import { CardOwnerDto } from '../cards/saved-cards.dto';
import { ACCESS_PROBLEMS, ApiRefusals, PROCESSOR_PROBLEMS } from '../refusals.dto';
import {
  AutoReloadDto,
  ListAttemptsDto,
  PutAutoReloadDto,
  ReloadAttemptListDto,
  termsOf,
  toAutoReloadDto,
  toReloadAttemptDto,
} from './auto-reload.dto';
import { ReloadAttempts } from './reload-attempts.service';
import { ReloadCards } from './reload-cards.service';
import { ReloadStanding } from './reload-standing.service';
import { ReloadTerms } from './reload-terms.service';

const NO_RULE = { status: 404, code: 'auto_reload_not_found', detail: 'There is no auto-reload for this customer.' };

/** A balance that fills itself up from a saved card. */
@ApiTags('auto-reload')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/auto-reload')
export class AutoReloadController {
  constructor(
    private readonly terms: ReloadTerms,
    private readonly standing: ReloadStanding,
    private readonly attempts: ReloadAttempts,
    private readonly cards: ReloadCards,
  ) {}

  @Put()
  @ApiOperation({ operationId: 'putAutoReload', summary: 'Set the terms; a balance that is low is filled up now' })
  @ApiOkResponse({ type: AutoReloadDto })
  @ApiRefusals(
    ...ACCESS_PROBLEMS,
    { status: 400, code: 'reload_amount_out_of_range', detail: 'Such an amount cannot be charged.' },
    { status: 400, code: 'reload_cap_below_amount', detail: 'A cap below the amount would stop every reload.' },
    { status: 501, code: 'auto_reload_unavailable', detail: 'This server adds tax to top-ups.' },
    ...PROCESSOR_PROBLEMS,
  )
  async put(@CurrentCaller() caller: Caller, @Body() body: PutAutoReloadDto): Promise<AutoReloadDto> {
    const customerId = oneCustomer(caller, body.customerId);
    await this.terms.set(customerId, termsOf(body));
    return this.shown(customerId);
  }

  @Get()
  @ApiOperation({ operationId: 'getAutoReload', summary: 'The terms, and what stands in the way if anything does' })
  @ApiOkResponse({ type: AutoReloadDto })
  @ApiRefusals(...ACCESS_PROBLEMS, NO_RULE)
  async get(@CurrentCaller() caller: Caller, @Query() owner: CardOwnerDto): Promise<AutoReloadDto> {
    return this.shown(oneCustomer(caller, owner.customerId));
  }

  @Get('attempts')
  @ApiOperation({ operationId: 'listReloadAttempts', summary: 'Every attempt and what became of it, newest first' })
  @ApiOkResponse({ type: ReloadAttemptListDto })
  @ApiRefusals(...ACCESS_PROBLEMS)
  async list(@CurrentCaller() caller: Caller, @Query() query: ListAttemptsDto): Promise<ReloadAttemptListDto> {
    const { customerId, limit, before } = query;
    const found = await this.attempts.list(oneCustomer(caller, customerId), limit + 1, before);
    return { data: found.slice(0, limit).map(toReloadAttemptDto), hasMore: found.length > limit };
  }

  @Post('resume')
  @HttpCode(200)
  @ApiOperation({ operationId: 'resumeAutoReload', summary: 'Try again, whatever stopped it' })
  @ApiOkResponse({ type: AutoReloadDto })
  @ApiRefusals(...ACCESS_PROBLEMS, NO_RULE, ...PROCESSOR_PROBLEMS)
  async resume(@CurrentCaller() caller: Caller, @Body() owner: CardOwnerDto): Promise<AutoReloadDto> {
    const customerId = oneCustomer(caller, owner.customerId);
    await this.cards.resumeNow(customerId);
    return this.shown(customerId);
  }

  private async shown(customerId: string): Promise<AutoReloadDto> {
    const rule = await this.standing.of(customerId);
    if (!rule) throw new NotFoundError({ what: 'auto reload', id: customerId });
    return toAutoReloadDto(rule);
  }
}
