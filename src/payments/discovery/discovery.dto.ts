import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';

/** As x402's `bazaar` asks: what is left out matches everything. */
export class DiscoveryQueryDto {
  @ApiPropertyOptional({ example: 'http' })
  @IsOptional()
  @IsString()
  @Length(1, 100)
  type?: string;

  @ApiPropertyOptional({ description: 'An address, in any case.' })
  @IsOptional()
  @IsString()
  @Length(1, 100)
  payTo?: string;

  @ApiPropertyOptional({ example: 'exact' })
  @IsOptional()
  @IsString()
  @Length(1, 100)
  scheme?: string;

  @ApiPropertyOptional({ example: 'eip155:8453' })
  @IsOptional()
  @IsString()
  @Length(1, 100)
  network?: string;

  @ApiPropertyOptional({ description: 'The key of an extension that the resource must have.' })
  @IsOptional()
  @IsString()
  @Length(1, 100)
  extensions?: string;

  @ApiPropertyOptional({ minimum: 1, maximum: 100, default: 20 })
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 20;

  @ApiPropertyOptional({ minimum: 0, default: 0 })
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  offset: number = 0;
}
