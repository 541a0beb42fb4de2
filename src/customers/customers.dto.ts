import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsEmail,
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { type ApiKey, SCOPES } from './api-key';
import type { Customer } from './customer';

export class NewCustomerDto {
  @ApiProperty({ minLength: 1, maxLength: 200, example: 'Acme GmbH' })
  @Matches(/^\P{Cc}{1,200}$/u, { message: 'name must be 1 to 200 characters, none of them a control character' })
  name!: string;

  @ApiPropertyOptional({ format: 'email' })
  @IsOptional()
  @IsEmail()
  @MaxLength(320)
  email?: string;
}

export class CustomerQueryDto {
  @ApiPropertyOptional({ minimum: 1, maximum: 100, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 50;

  @ApiPropertyOptional({ description: '`next` of the page before.' })
  @IsOptional()
  @Matches(/^\w{1,100}$/, { message: 'after must be "next" of the page before' })
  after?: string;
}

export class NewKeyDto {
  @ApiProperty({ minLength: 1, maxLength: 100, example: 'production' })
  @Matches(/^\P{Cc}{1,100}$/u, { message: 'name must be 1 to 100 characters, none of them a control character' })
  name!: string;

  @ApiPropertyOptional({ enum: SCOPES, isArray: true, default: SCOPES, description: 'What the key may do.' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayUnique()
  @IsIn(SCOPES, { each: true })
  scopes?: (typeof SCOPES)[number][];

  @ApiPropertyOptional({ type: [String], description: 'The only models that it may call. Left out: every model.' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(200)
  @Matches(/^\P{Cc}{1,200}$/u, { each: true, message: 'models must be names of models' })
  models?: string[];

  @ApiPropertyOptional({ format: 'date-time', description: 'Left out: never.' })
  @IsOptional()
  @IsISO8601({ strict: true, strictSeparator: true })
  expiresAt?: string;
}

export class RotateKeyDto {
  @ApiPropertyOptional({
    minimum: 0,
    maximum: 2_592_000,
    default: 86_400,
    description: 'Seconds for which the old secret goes on working, so that clients can change over.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(2_592_000)
  graceSeconds: number = 86_400;
}

export class CustomerDto {
  @ApiProperty({ example: 'cus_019e0c3e2f6a7c119d1b6f2f64f0c0aa' })
  id!: string;

  @ApiProperty({ enum: ['organisation', 'wallet'] })
  kind!: Customer['kind'];

  @ApiProperty()
  name!: string;

  @ApiProperty({ type: String, nullable: true })
  email!: string | null;

  @ApiProperty({ type: String, nullable: true })
  walletAddress!: string | null;

  @ApiProperty({ type: String, nullable: true })
  stripeCustomerId!: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
}

export class CustomerPageDto {
  @ApiProperty({ type: [CustomerDto], description: 'Newest first.' })
  data!: CustomerDto[];

  @ApiProperty({ type: String, nullable: true, description: 'Send it as `after` for the next page; null at the end.' })
  next!: string | null;
}

export class KeyDto {
  @ApiProperty({ example: 'key_019e0c3e2f6a7c119d1b6f2f64f0c0cc' })
  id!: string;

  @ApiProperty()
  customerId!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ description: 'The beginning of the secret, to recognise the key by.', example: 'tb_Ab3xY…' })
  hint!: string;

  @ApiProperty({ enum: SCOPES, isArray: true })
  scopes!: readonly string[];

  @ApiProperty({ type: [String], nullable: true })
  models!: readonly string[] | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  expiresAt!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  revokedAt!: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
}

export class KeyListDto {
  @ApiProperty({ type: [KeyDto], description: 'Oldest first, also those that have ended.' })
  data!: KeyDto[];
}

export class KeyWithSecretDto extends KeyDto {
  @ApiProperty({ description: 'Shown this once; only its hash is kept.', example: 'tb_…' })
  secret!: string;
}

export const toCustomerDto = (customer: Customer): CustomerDto => ({
  ...customer,
  createdAt: customer.createdAt.toISOString(),
});

export const withSecret = (key: ApiKey, secret: string): KeyWithSecretDto => Object.assign(toKeyDto(key), { secret });

export const toKeyDto = (key: ApiKey): KeyDto => ({
  ...key,
  expiresAt: key.expiresAt?.toISOString() ?? null,
  revokedAt: key.revokedAt?.toISOString() ?? null,
  createdAt: key.createdAt.toISOString(),
});
