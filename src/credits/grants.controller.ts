import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { parseInstant } from '../common/period';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, CurrentCaller } from '../customers/access.guard';
import { type Caller, oneCustomer } from '../customers/access';
import { CustomersService } from '../customers/customers.service';
import { GrantHistory } from './grant-history.service';
import { GrantsAtDto, OwnGrantsQueryDto, toGrantsAtDto } from './grants.dto';

/** What a customer's credit is made of: for a key with the scope `billing`, or for the operator. */
@ApiTags('credit')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/credits/grants')
export class GrantsController {
  constructor(
    private readonly customers: CustomersService,
    private readonly history: GrantHistory,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listGrants',
    summary: 'Grants, and what is left of each; or what was, at any instant',
    description: 'Credit that had ended by then is not left, whether its end was booked already or not.',
  })
  @ApiOkResponse({ type: GrantsAtDto })
  @ApiProblems(400, 401, 403, 404)
  async list(@CurrentCaller() caller: Caller, @Query() query: OwnGrantsQueryDto): Promise<GrantsAtDto> {
    const { id } = await this.customers.get(oneCustomer(caller, query.customerId));
    const at = query.at === undefined ? undefined : parseInstant(query.at, 'at');
    const { limit, before } = query;
    const credit = await this.history.at(id, { at, all: query.all === 'true', limit: limit + 1, before });
    return toGrantsAtDto(id, credit, limit);
  }
}
