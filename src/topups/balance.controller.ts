import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { AssetCode } from '../common/asset';
import { formatMoney } from '../common/money';
import { parseInstant } from '../common/period';
import { GrantExpiry } from '../credits/grant-expiry.service';
import { AccessGuard, CurrentCaller } from '../customers/access.guard';
import { type Caller, oneCustomer } from '../customers/access';
import { CustomersService } from '../customers/customers.service';
import { AccountHistoryService } from '../ledger/account-history.service';
import { customerCredits, customerReceivable } from '../ledger/ledger-account';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import { type AssetBalance, BalanceDto, BalanceQueryDto, PastBalanceDto, toCurrencyBalanceDto } from './balance.dto';
import { ACCESS_PROBLEMS, ApiRefusals } from './refusals.dto';

/** What a customer can spend, straight from the ledger. */
@ApiTags('top-ups')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/balance')
export class BalanceController {
  constructor(
    private readonly customers: CustomersService,
    private readonly accounts: LedgerAccountsService,
    private readonly history: AccountHistoryService,
    private readonly expiry: GrantExpiry,
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
    await this.expiry.settle(id);
    // One statement for all accounts: what is owed and what is there belong to the same moment.
    const accounts = await this.accounts.list(id);
    const inUsdc = balanceIn('USDC', id, accounts);
    const usdc = inUsdc.posted !== 0n || inUsdc.owed !== 0n || accounts.some((a) => a.posted.asset === 'USDC');
    return {
      customerId: id,
      ...toCurrencyBalanceDto(balanceIn('USD', id, accounts)),
      ...(usdc ? { usdc: toCurrencyBalanceDto(inUsdc) } : {}),
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

/** What a credit limit let it use before it paid, and what calls cost beyond that. */
const owedOf = (posted: bigint, receivable: bigint): bigint => (posted < 0n ? -posted : 0n) - receivable;

function balanceIn(
  asset: AssetCode,
  customerId: string,
  accounts: Awaited<ReturnType<LedgerAccountsService['list']>>,
): AssetBalance {
  const find = (code: string) => accounts.find((a) => a.code === code && a.posted.asset === asset);
  const credits = find(customerCredits(customerId, asset).code);
  const receivable = find(customerReceivable(customerId, asset).code);
  const creditLimit = credits?.creditLimit.atoms ?? 0n;
  const posted = credits?.posted.atoms ?? 0n;
  return {
    asset,
    available: (credits?.available.atoms ?? 0n) + creditLimit,
    held: credits?.held.atoms ?? 0n,
    posted,
    owed: owedOf(posted, receivable?.posted.atoms ?? 0n),
    creditLimit,
    frozen: credits?.frozen ?? false,
  };
}
