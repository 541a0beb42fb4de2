import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { parseMoney } from '../common/money';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly, CurrentCaller } from '../customers/access.guard';
import { type Caller, oneCustomer } from '../customers/access';
import { BudgetCounters } from './budget-counters.service';
import { BudgetDto, BudgetListDto, BudgetQueryDto, SetBudgetDto, TimeZoneDto, toBudgetDto } from './budgets.dto';
import { BudgetsService } from './budgets.service';

/** What a customer lets its keys spend: for a key with the scope `billing`, or for the operator. */
@ApiTags('budgets')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller()
export class BudgetsController {
  constructor(
    private readonly budgets: BudgetsService,
    private readonly counters: BudgetCounters,
  ) {}

  @Get('v1/budgets')
  @ApiOperation({ operationId: 'listBudgets', summary: 'Budgets, and what is used of them in this period' })
  @ApiOkResponse({ type: BudgetListDto })
  @ApiProblems(400, 401, 403, 404)
  async list(@CurrentCaller() caller: Caller, @Query() query: BudgetQueryDto): Promise<BudgetListDto> {
    const customerId = oneCustomer(caller, query.customerId);
    const { timeZone, budgets } = await this.budgets.of(customerId);
    const data = await Promise.all(budgets.map(({ id }) => this.show(customerId, id)));
    return { timeZone, data };
  }

  @Put('v1/budgets')
  @ApiOperation({
    operationId: 'setBudget',
    summary: 'Set the budget of a key, or of all keys, for a day, a week or a month',
    description: 'It holds from the next call on. What was used in the current period counts.',
  })
  @ApiOkResponse({ type: BudgetDto })
  @ApiProblems(400, 401, 403, 404)
  async set(@CurrentCaller() caller: Caller, @Body() body: SetBudgetDto): Promise<BudgetDto> {
    const customerId = oneCustomer(caller, body.customerId);
    const { keyId = null, period, limit, hard } = body;
    const { id } = await this.budgets.set(customerId, { keyId, period, limit: parseMoney(limit, 'USD'), hard });
    return this.show(customerId, id);
  }

  @Delete('v1/budgets/:id')
  @HttpCode(204)
  @ApiOperation({ operationId: 'endBudget', summary: 'End a budget' })
  @ApiNoContentResponse()
  @ApiProblems(400, 401, 403, 404)
  async end(@CurrentCaller() caller: Caller, @Param('id') id: string, @Query() query: BudgetQueryDto): Promise<void> {
    await this.budgets.end(oneCustomer(caller, query.customerId), id);
  }

  @Put('admin/customers/:id/time-zone')
  @AdminOnly()
  @ApiOperation({ operationId: 'setTimeZone', summary: 'Where the days, weeks and months of a customer begin' })
  @ApiOkResponse({ type: TimeZoneDto })
  @ApiProblems(400, 401, 403, 404)
  async setTimeZone(@Param('id') id: string, @Body() body: TimeZoneDto): Promise<TimeZoneDto> {
    await this.budgets.setTimeZone(id, body.timeZone);
    return { timeZone: body.timeZone };
  }

  private async show(customerId: string, id: string): Promise<BudgetDto> {
    const { timeZone, budgets } = await this.budgets.of(customerId);
    const budget = budgets.find((each) => each.id === id);
    if (!budget) throw new Error(`budget ${id} is not in force`);
    const weight = await this.counters.weightOf(customerId, timeZone, budget, new Date());
    const [counter] = await this.counters.read([weight]);
    return toBudgetDto(weight, counter ?? { spent: 0n, held: 0n });
  }
}
