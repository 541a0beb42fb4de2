import { Body, Controller, Get, Put, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { formatMoney, parseMoney } from '../common/money';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, CurrentCaller } from '../customers/access.guard';
import { type Caller, oneCustomer } from '../customers/access';
import { CustomersService } from '../customers/customers.service';
import { AlertsDto, AlertsQueryDto, PutAlertsDto } from './alerts.dto';
import { BalanceAlerts } from './balance-alerts.service';

/** When a customer is told that its credit runs low. */
@ApiTags('credit')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/alerts')
export class AlertsController {
  constructor(
    private readonly customers: CustomersService,
    private readonly alerts: BalanceAlerts,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'getAlerts', summary: 'Balances below which a notification is made' })
  @ApiOkResponse({ type: AlertsDto })
  @ApiProblems(400, 401, 403)
  async get(@CurrentCaller() caller: Caller, @Query() query: AlertsQueryDto): Promise<AlertsDto> {
    return this.shown(oneCustomer(caller, query.customerId));
  }

  @Put()
  @ApiOperation({
    operationId: 'putAlerts',
    summary: 'Set the balances below which a notification is made, once for each time the balance falls below',
  })
  @ApiOkResponse({ type: AlertsDto })
  @ApiProblems(400, 401, 403, 404)
  async put(@CurrentCaller() caller: Caller, @Body() body: PutAlertsDto): Promise<AlertsDto> {
    const { id } = await this.customers.get(oneCustomer(caller, body.customerId));
    await this.alerts.set(
      id,
      body.thresholds.map((text) => parseMoney(text, 'USD')),
    );
    return this.shown(id);
  }

  private async shown(customerId: string): Promise<AlertsDto> {
    return { thresholds: (await this.alerts.of(customerId)).map(formatMoney) };
  }
}
