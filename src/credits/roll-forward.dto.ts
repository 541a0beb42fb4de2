import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { formatMoney, type Money } from '../common/money';
import { type ClassRollForward, MONEY_COLUMNS, type RollForward } from './roll-forward';

/** The current month in UTC where left out. */
export class PeriodQueryDto {
  @ApiPropertyOptional({ example: '2026-11-01', description: 'Inclusive.' })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  from?: string;

  @ApiPropertyOptional({ example: '2026-12-01', description: 'Exclusive.' })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  to?: string;
}

/** One class of credit in a period. Amounts are plain decimals of USD. */
export class ClassRollForwardDto implements Record<(typeof MONEY_COLUMNS)[number], string> {
  @ApiProperty({ enum: ['paid', 'promo'] })
  class!: string;

  @ApiProperty({ example: '100' })
  opening!: string;

  @ApiProperty({ example: '50', description: 'Brought by payments.' })
  sold!: string;

  @ApiProperty({ example: '0', description: 'Given: bonus, code, by hand.' })
  granted!: string;

  @ApiProperty({ example: '0', description: 'Refunds that failed, disputes that were won after all.' })
  returned!: string;

  @ApiProperty({ example: '40', description: 'By calls; also what a refund took of other credit than its own.' })
  used!: string;

  @ApiProperty({ example: '5' })
  expired!: string;

  @ApiProperty({ example: '10', description: 'Taken back by refunds and lost disputes.' })
  refunded!: string;

  @ApiProperty({ example: '0' })
  voided!: string;

  @ApiProperty({
    example: '95',
    description: 'opening + sold + granted + returned − used − expired − refunded − voided',
  })
  closing!: string;

  @ApiProperty({ example: '0', description: 'Of the closing: behind disputes.' })
  frozen!: string;

  @ApiProperty({ example: '0', description: 'Of the closing: it has ended, and its end is not booked yet.' })
  ended!: string;
}

export class EdgesDto {
  @ApiProperty({ example: '100' })
  opening!: string;

  @ApiProperty({ example: '95' })
  closing!: string;
}

/** What became of all prepaid credit in a period. */
export class RollForwardDto {
  @ApiProperty({ type: String, format: 'date-time' })
  from!: string;

  @ApiProperty({ type: String, format: 'date-time', description: 'Now, for a period that is not over.' })
  to!: string;

  @ApiProperty({ type: [ClassRollForwardDto] })
  classes!: ClassRollForwardDto[];

  @ApiProperty({ type: EdgesDto, description: 'Used beyond all grants, by customers with a credit limit.' })
  uncovered!: EdgesDto;

  @ApiProperty({ type: EdgesDto, description: 'All customers’ credit accounts: paid + promo − uncovered.' })
  ledger!: EdgesDto;
}

export const toRollForwardDto = ({ period, classes, uncovered, ledger }: RollForward): RollForwardDto => ({
  from: period.from.toISOString(),
  to: period.to.toISOString(),
  classes: classes.map(toClassDto),
  uncovered: toEdgesDto(uncovered),
  ledger: toEdgesDto(ledger),
});

const toEdgesDto = ({ opening, closing }: { opening: Money; closing: Money }): EdgesDto => ({
  opening: formatMoney(opening),
  closing: formatMoney(closing),
});

const toClassDto = (each: ClassRollForward): ClassRollForwardDto => ({
  class: each.class,
  ...(Object.fromEntries(MONEY_COLUMNS.map((column) => [column, formatMoney(each[column])])) as Record<
    (typeof MONEY_COLUMNS)[number],
    string
  >),
});
