import { ApiProperty } from '@nestjs/swagger';
import { formatMoney } from '../common/money';
import { DiscrepancyDto, toDiscrepancyDto } from './discrepancies.dto';
import { type ReconciliationRun, SIDE_NAMES, type SideOutcome } from './reconciliation-run';
import { type RunDto, SideOutcomeDto } from './reconciliation.dto';
import { differenceOf, type Report, type SideReportPart } from './report';

const VERDICTS = ['clean', 'open', 'failed', 'unasked'];

export class SideTotalDto {
  @ApiProperty({ example: 'USD' })
  asset!: string;

  @ApiProperty({ description: 'What the other side has more than the books, over all balances.', example: '25' })
  difference!: string;

  @ApiProperty({ description: 'Of that, what open discrepancies are about.', example: '25' })
  open!: string;

  @ApiProperty({ description: 'Of that, what was waived.', example: '0' })
  waived!: string;

  @ApiProperty({ description: 'Moved by resolutions since the balances were compared.', example: '0' })
  resolvedSince!: string;

  @ApiProperty({ description: 'What is left: zero, or a run has overlooked something.', example: '0' })
  unexplained!: string;
}

export class SideReportDto {
  @ApiProperty({ enum: SIDE_NAMES })
  side!: string;

  @ApiProperty({ type: SideOutcomeDto, nullable: true, description: 'The last time that it could be asked.' })
  asked!: SideOutcomeDto | null;

  @ApiProperty({ type: SideOutcomeDto, nullable: true, description: 'That it could not be asked since then.' })
  failed!: SideOutcomeDto | null;

  @ApiProperty({ description: 'It is not configured, and was not the last time that somebody looked.' })
  skipped!: boolean;

  @ApiProperty({ type: [SideTotalDto] })
  totals!: SideTotalDto[];
}

export class ReportDto {
  @ApiProperty({ format: 'date-time' })
  takenAt!: string;

  @ApiProperty({
    enum: VERDICTS,
    description: 'Clean: everything is zero. Failed: a side could not be asked. Unasked: a side never was.',
  })
  verdict!: string;

  @ApiProperty({ type: [SideReportDto] })
  sides!: SideReportDto[];

  @ApiProperty({ type: [DiscrepancyDto], description: 'Open ones, oldest first.' })
  open!: DiscrepancyDto[];

  @ApiProperty({ type: [DiscrepancyDto], description: 'Waived ones that are still found.' })
  waived!: DiscrepancyDto[];
}

export const toReportDto = (report: Report): ReportDto => ({
  takenAt: report.takenAt.toISOString(),
  verdict: report.verdict,
  sides: report.sides.map(toSideReportDto),
  open: report.open.map((one) => toDiscrepancyDto(one, report.takenAt)),
  waived: report.waived.map((one) => toDiscrepancyDto(one, report.takenAt)),
});

const toSideReportDto = ({ side, asked, failed, isSkipped, totals }: SideReportPart): SideReportDto => ({
  side,
  asked: asked === undefined ? null : toOutcomeDto(asked),
  failed: failed === undefined ? null : toOutcomeDto(failed),
  skipped: isSkipped,
  totals: totals.map(({ asset, difference, open, waived, resolvedSince, unexplained }) => ({
    asset,
    difference: formatMoney({ asset, atoms: difference }),
    open: formatMoney({ asset, atoms: open }),
    waived: formatMoney({ asset, atoms: waived }),
    resolvedSince: formatMoney({ asset, atoms: resolvedSince }),
    unexplained: formatMoney({ asset, atoms: unexplained }),
  })),
});

export const toRunDto = (run: ReconciliationRun): RunDto => ({
  ...{ id: run.id, kind: run.kind, day: run.day, sides: run.sides },
  ...{ from: run.window.from.toISOString(), to: run.window.until.toISOString(), state: run.state },
  createdAt: run.createdAt.toISOString(),
  startedAt: run.startedAt?.toISOString() ?? null,
  finishedAt: run.finishedAt?.toISOString() ?? null,
  outcomes: run.outcomes.map(toOutcomeDto),
});

const toOutcomeDto = ({ side, state, at, counts, balances, found, error }: SideOutcome): SideOutcomeDto => ({
  ...{ side, state, at: at.toISOString(), counts, found, error },
  balances: balances.map((balance) => ({
    name: balance.name,
    asset: balance.ours.asset,
    ours: formatMoney(balance.ours),
    theirs: formatMoney(balance.theirs),
    difference: formatMoney({ ...balance.ours, atoms: differenceOf(balance) }),
  })),
});
