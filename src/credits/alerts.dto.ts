import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayUnique, IsArray, IsOptional, IsString, Matches, MaxLength } from 'class-validator';

export class AlertsQueryDto {
  @ApiPropertyOptional({ description: 'Whose. Only the operator may name another than the own.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  customerId?: string;
}

export class PutAlertsDto extends AlertsQueryDto {
  @ApiProperty({ type: [String], description: 'In USD; none to be told of nothing.', example: ['10', '2.5'] })
  @IsArray()
  @ArrayMaxSize(10)
  @ArrayUnique()
  @Matches(/^(?=.*[1-9])\d{1,9}(\.\d{1,9})?$/, {
    each: true,
    message: 'thresholds must be plain decimals above zero, such as "10"',
  })
  thresholds!: string[];
}

export class AlertsDto {
  @ApiProperty({ type: [String], description: 'In USD, the highest first.', example: ['10', '2.5'] })
  thresholds!: string[];
}
