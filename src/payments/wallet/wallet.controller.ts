import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemDto } from '../../common/problem.dto';
import { formatMoney } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { WalletAccess } from './wallet-access.service';
import { WalletBalances } from './wallet-balances.service';
import { WalletDto } from './wallet.dto';

/** What a wallet has here, told to the wallet alone. */
@ApiTags('wallet')
@Controller('v1/wallet')
export class WalletController {
  constructor(
    private readonly access: WalletAccess,
    private readonly balances: WalletBalances,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'getWallet', summary: 'Balance of the wallet that signs in (SIGN-IN-WITH-X)' })
  @ApiOkResponse({ type: WalletDto })
  @ApiResponse({ status: 402, type: ProblemDto, description: 'A challenge to sign, and nothing to pay.' })
  async show(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<WalletDto> {
    const url = `${this.config.http.publicUrl ?? `${request.protocol}://${request.host}`}/v1/wallet`;
    const { address } = await this.access.enter({ id: request.id, method: 'GET', url, headers: request.headers });
    const { posted, available, owed } = await this.balances.of(address);
    void reply.header('cache-control', 'private, no-store');
    return {
      address,
      asset: 'USDC',
      balance: formatMoney(posted),
      available: formatMoney(available),
      owed: formatMoney(owed),
    };
  }
}
