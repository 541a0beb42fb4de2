import { Controller, Get, Param, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { parseInstant, parsePeriod } from '../common/period';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from '../customers/access.guard';
import { AccountHistoryService } from '../ledger/account-history.service';
import { decodeCursor } from '../ledger/statement-cursor';
import {
  AccountAtDto,
  AccountAtQueryDto,
  StatementDto,
  StatementQueryDto,
  toAccountAt,
  toStatementDto,
} from './accounts.dto';

/** One account of the ledger, as it was. */
@ApiTags('admin: ledger')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin/accounts/:code')
export class AccountsAdminController {
  constructor(private readonly history: AccountHistoryService) {}

  @Get('balance')
  @ApiOperation({
    summary: 'The balance of an account at any instant',
    description: 'By posting date (what the books said then) or by effective date (what was true then).',
    operationId: 'accountBalance',
  })
  @ApiOkResponse({ type: AccountAtDto })
  @ApiProblems(400, 401, 403, 404)
  async balance(@Param('code') code: string, @Query() { asset, at, by }: AccountAtQueryDto): Promise<AccountAtDto> {
    const instant = at === undefined ? new Date() : parseInstant(at, 'at');
    const atoms = await this.history.balanceAt({ code, asset }, instant, by);
    return toAccountAt({ account: code, at: instant, by, balance: { asset, atoms } });
  }

  @Get('statement')
  @ApiOperation({
    summary: 'What moved an account in a period, with the balance after each line',
    description: 'In the order of posting, or of effective dates. The current month when left out.',
    operationId: 'accountStatement',
  })
  @ApiOkResponse({ type: StatementDto })
  @ApiProblems(400, 401, 403, 404)
  async statement(@Param('code') code: string, @Query() query: StatementQueryDto): Promise<StatementDto> {
    const { asset, by, limit } = query;
    const period = parsePeriod(query, new Date());
    const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
    const statement = await this.history.statement({ code, asset }, { ...period, by, limit, after });
    return toStatementDto({ account: code, asset, period, by }, statement);
  }
}
