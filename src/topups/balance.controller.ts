import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { formatMoney } from '../common/money';
import { parseInstant } from '../common/period';
import { AccessGuard, CurrentCaller } from '../customers/access.guard';
import { type Caller, oneCustomer } from '../customers/access';
import { CustomersService } from '../customers/customers.service';
import { AccountHistoryService } from '../ledger/account-history.service';
import { customerCredits, customerReceivable } from '../ledger/ledger-account';
import { BalanceDto, BalanceQueryDto, PastBalanceDto, toCurrencyBalanceDto } from './balance.dto';
import { Balances, owedOf } from './balances.service';
import { ACCESS_PROBLEMS, ApiRefusals } from './refusals.dto';

/** What a customer can spend, straight from the ledger. */
@ApiTags('top-ups')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/balance')
export class BalanceController {
  constructor(
    private readonly customers: CustomersService,
    private readonly balances: Balances,
    private readonly history: AccountHistoryService,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'getBalance', summary: 'What is available, held and owed; or what was, at an instant' })
  @ApiExtraModels(BalanceDto, PastBalanceDto)
  @ApiOkResponse({
    description: 'With `at`: as the books were then.',
    schema: { oneOf: [{ $ref: getSchemaPath(BalanceDto) }, { $ref: getSchemaPath(PastBalanceDto) }] },
  })
  @ApiRefusals(
    ...ACCESS_PROBLEMS,
    { status: 400, code: 'invalid_instant', detail: '"at" must be a day or an instant in UTC.' },
    { status: 400, code: 'customer_id_required', detail: 'The operator must say whose balance is meant.' },
    { status: 404, code: 'customer_not_found', detail: 'There is no such customer.' },
  )
  async show(@CurrentCaller() caller: Caller, @Query() query: BalanceQueryDto): Promise<BalanceDto | PastBalanceDto> {
    const { id } = await this.customers.get(oneCustomer(caller, query.customerId));
    if (query.at !== undefined) return this.past(id, parseInstant(query.at, 'at'));
    const { usd, usdc } = await this.balances.of(id);
    return {
      customerId: id,
      ...toCurrencyBalanceDto(usd),
      ...(usdc ? { usdc: toCurrencyBalanceDto(usdc) } : {}),
    };
  }

  private async past(customerId: string, at: Date): Promise<PastBalanceDto> {
    const balances = (['USD', 'USDC'] as const).map(async (asset) => {
      const posted = await this.history.balanceOrZero(customerCredits(customerId, asset), at);
      const owed = owedOf(posted, await this.history.balanceOrZero(customerReceivable(customerId, asset), at));
      return {
        currency: asset,
        posted: formatMoney({ asset, atoms: posted }),
        owed: formatMoney({ asset, atoms: owed }),
      };
    });
    return { customerId, at: at.toISOString(), balances: await Promise.all(balances) };
  }
}
