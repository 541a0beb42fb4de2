import { Body, Controller, Get, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../common/problem.dto';
import { AccessGuard, AdminOnly } from '../customers/access.guard';
import { CorrectionsService } from '../ledger/corrections.service';
import { JournalService } from '../ledger/journal.service';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import { LedgerVerifyService } from '../ledger/ledger-verify.service';
import type { VerificationReport } from '../ledger/verification';
import { NotFoundError } from '../common/billing-error';
import { CorrectionDto, CorrectionRequestDto } from './accounts.dto';
import {
  AccountBalanceListDto,
  BalanceQueryDto,
  EntryPageDto,
  EntryQueryDto,
  LedgerHeadDto,
  toAccountBalance,
  toEntryDto,
  VerificationReportDto,
} from './ledger.dto';

/** The operator's view of the books. It is here because the ledger and the customers' guard are neighbours. */
@ApiTags('admin: ledger')
@ApiBearerAuth()
@AdminOnly()
@UseGuards(AccessGuard)
@Controller('admin')
export class LedgerAdminController {
  /** The proof on its way: who asks meanwhile gets the same one. */
  private proof: Promise<VerificationReport> | undefined;

  constructor(
    private readonly accounts: LedgerAccountsService,
    private readonly journal: JournalService,
    private readonly books: LedgerVerifyService,
    private readonly corrections: CorrectionsService,
  ) {}

  @Get('balances')
  @ApiOperation({ summary: 'Accounts with their balances, at most 10,000', operationId: 'listBalances' })
  @ApiOkResponse({ type: AccountBalanceListDto })
  @ApiProblems(400, 401, 403)
  async balances(@Query() query: BalanceQueryDto): Promise<AccountBalanceListDto> {
    return { data: (await this.accounts.list(query.customerId)).map(toAccountBalance) };
  }

  @Get('entries')
  @ApiOperation({ summary: 'Journal entries with their postings, newest first', operationId: 'listEntries' })
  @ApiOkResponse({ type: EntryPageDto })
  @ApiProblems(400, 401, 403)
  async entries(@Query() query: EntryQueryDto): Promise<EntryPageDto> {
    const before = query.after === undefined ? undefined : BigInt(query.after);
    const entries = await this.journal.entries({ customerId: query.customerId, kind: query.kind, before }, query.limit);
    const next = entries.length < query.limit ? null : (entries.at(-1)?.id.toString() ?? null);
    return { data: entries.map(toEntryDto), next };
  }

  @Post('entries/:id/corrections')
  @ApiOperation({
    summary: 'Takes an entry back, by a new one that names it',
    description: 'Once. Not for what a call or a top-up has moved: a refund gives that back.',
    operationId: 'correctEntry',
  })
  @ApiCreatedResponse({ type: CorrectionDto })
  @ApiProblems(400, 401, 403, 404, 409)
  async correct(@Param('id') id: string, @Body() body: CorrectionRequestDto): Promise<CorrectionDto> {
    if (!/^\d{1,18}$/.test(id)) throw new NotFoundError({ what: 'entry', id });
    const effectiveAt = body.effectiveAt === undefined ? undefined : new Date(body.effectiveAt);
    const entryId = await this.corrections.correct({ entryId: BigInt(id), reason: body.reason, effectiveAt });
    return { entryId, corrects: id };
  }

  @Get('ledger/head')
  @ApiOperation({
    summary: 'The end of the hash chain',
    description:
      'Keep it: `tollbridge ledger verify --head <seq>:<hash>` proves later that nothing before was changed.',
    operationId: 'ledgerHead',
  })
  @ApiOkResponse({ type: LedgerHeadDto })
  @ApiProblems(401, 403)
  async head(): Promise<LedgerHeadDto> {
    return { head: await this.books.head() };
  }

  @Get('ledger/verify')
  @ApiOperation({
    summary: 'Proves the books: balances, holds, keys, and usage = invoices = revenue',
    description: 'Reads every row: minutes on large books. A fault is in the report, not in the status.',
    operationId: 'verifyLedger',
  })
  @ApiOkResponse({ type: VerificationReportDto })
  @ApiProblems(401, 403)
  async verify(): Promise<VerificationReportDto> {
    this.proof ??= this.books.verify().finally(() => {
      this.proof = undefined;
    });
    return { ...(await this.proof) };
  }
}
