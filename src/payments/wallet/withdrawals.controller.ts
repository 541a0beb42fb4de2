import { Body, Controller, Get, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { parseMoney } from '../../common/money';
import { ProblemDto } from '../../common/problem.dto';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { SignIns } from './sign-ins.service';
import type { Withdrawal } from './withdrawal';
import { WalletAccess, type WalletRequest } from './wallet-access.service';
import { WithdrawalSettlement } from './withdrawal-settlement.service';
import { WithdrawalStore } from './withdrawal-store.service';
import { QuoteDto, QuoteRequestDto, toDto, toQuoteDto, WithdrawalDto, WithdrawalRequestDto } from './withdrawals.dto';
import { WithdrawalsService } from './withdrawals.service';

/** Takes a wallet's balance back to the wallet. */
@ApiTags('wallet')
@Controller('v1/wallet/withdrawals')
export class WithdrawalsController {
  constructor(
    private readonly access: WalletAccess,
    private readonly signIns: SignIns,
    private readonly withdrawals: WithdrawalsService,
    private readonly settlement: WithdrawalSettlement,
    private readonly store: WithdrawalStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post('quote')
  @HttpCode(200)
  @ApiOperation({ operationId: 'quoteWithdrawal', summary: 'The network fee of a withdrawal, before it is asked for' })
  @ApiOkResponse({ type: QuoteDto })
  @ApiResponse({ status: 400, type: ProblemDto, description: '`amount_out_of_range`, `network_not_offered`' })
  @ApiResponse({ status: 501, type: ProblemDto, description: '`withdrawals_unavailable`' })
  async quote(@Body() { amount, network }: QuoteRequestDto): Promise<QuoteDto> {
    return toQuoteDto(await this.withdrawals.quote(parseMoney(amount, 'USDC'), network));
  }

  @Post()
  @HttpCode(202)
  @ApiOperation({ operationId: 'createWithdrawal', summary: 'Send the amount of a quote to the wallet that signs in' })
  @ApiAcceptedResponse({ type: WithdrawalDto })
  @ApiResponse({ status: 402, type: ProblemDto, description: 'A challenge to sign, and nothing to pay.' })
  @ApiResponse({
    status: 409,
    type: ProblemDto,
    description: '`insufficient_wallet_credit`, `payment_owed`, `quote_expired`',
  })
  @ApiResponse({ status: 503, type: ProblemDto, description: '`payout_float_low`, `chain_unavailable`' })
  async create(@Req() request: FastifyRequest, @Body() { quote }: WithdrawalRequestDto): Promise<WithdrawalDto> {
    const terms = this.withdrawals.readQuote(quote);
    const { address, id } = await this.access.enter(this.requestOf(request, 'POST', quote));
    const earlier = await this.store.find(id);
    if (earlier) return toDto(earlier);
    const customerId = await this.signIns.customerOf(address);
    const opened = await this.withdrawals.open(id, customerId, address, terms);
    if (opened) await this.settlement.settle(opened);
    return toDto((await this.store.find(id)) as Withdrawal);
  }

  @Get()
  @ApiOperation({ operationId: 'listWithdrawals', summary: 'Withdrawals of the wallet that signs in, newest first' })
  @ApiOkResponse({ type: [WithdrawalDto] })
  @ApiResponse({ status: 402, type: ProblemDto, description: 'A challenge to sign, and nothing to pay.' })
  async list(@Req() request: FastifyRequest): Promise<WithdrawalDto[]> {
    const { address } = await this.access.enter(this.requestOf(request, 'GET'));
    const customerId = await this.signIns.customerOf(address);
    return customerId === undefined ? [] : (await this.store.ofCustomer(customerId)).map(toDto);
  }

  private requestOf(
    { id, headers, protocol, host }: FastifyRequest,
    method: 'GET' | 'POST',
    asks?: string,
  ): WalletRequest {
    const url = `${this.config.http.publicUrl ?? `${protocol}://${host}`}/v1/wallet/withdrawals`;
    return { id, method, url, headers, ...(asks === undefined ? {} : { asks }) };
  }
}
