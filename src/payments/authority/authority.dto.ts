import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsEthereumAddress,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  Length,
  Matches,
} from 'class-validator';

const anyUrl = { require_tld: false, require_protocol: true, protocols: ['http', 'https'] };

export class AuthorizeRequestDto {
  @ApiProperty({ example: 'cus_0192', description: 'The customer whose credit it is.' })
  @Matches(/^[\w-]{1,100}$/, { message: 'bundleId must be a customer id' })
  bundleId!: string;

  @ApiProperty({ example: '2', description: 'The most that may be charged, in US cents.' })
  @Matches(/^[1-9]\d{0,10}$/, { message: 'amount must be a whole number of cents, at least 1' })
  amount!: string;

  @ApiProperty({ enum: ['USD'] })
  @IsIn(['USD'], { message: 'asset must be USD' })
  asset!: 'USD';

  @ApiProperty({
    example: 'https://api.example.com/v1/chat/completions',
    description: 'The exact URL, or sha256:<hex> over the canonical JSON (RFC 8785) of the accepted requirements.',
  })
  @Matches(/^(https?:\/\/[\x21-\x7e]{1,1900}|sha256:[0-9a-f]{64})$/, {
    message: 'resource must be an http(s) URL or sha256:<64 hex digits>',
  })
  resource!: string;

  @ApiPropertyOptional({ description: 'Origin of the resource server; needed beside a sha256 resource.' })
  @IsOptional()
  @IsUrl(anyUrl, { message: 'audience must be an http(s) origin' })
  audience?: string;

  @ApiProperty({ description: 'A repeat with the same key gets the same attestation, and holds nothing more.' })
  @Matches(/^[\x21-\x7e]{1,255}$/, { message: 'idempotencyKey must be 1 to 255 printable characters without spaces' })
  idempotencyKey!: string;
}

export class AttestationDto {
  @ApiProperty({ description: 'A compact JWS, EdDSA; its keys are at /.well-known/jwks.json.' })
  attestation!: string;
}

/** The body that x402 facilitators take, for `/verify` and `/settle` alike. */
export class FacilitatorRequestDto {
  @ApiProperty({ enum: [2] })
  @IsIn([2], { message: 'x402Version must be 2' })
  x402Version!: 2;

  @ApiProperty({ type: 'object', additionalProperties: true })
  @IsObject()
  paymentPayload!: Record<string, unknown>;

  @ApiProperty({ type: 'object', additionalProperties: true })
  @IsObject()
  paymentRequirements!: Record<string, unknown>;
}

export class NewResourceServerDto {
  @ApiProperty({ example: 'Weather API' })
  @IsString()
  @Length(1, 200)
  name!: string;

  @ApiProperty({ example: 'https://weather.example.com', description: 'The `aud` of the attestations it may settle.' })
  @IsUrl(anyUrl, { message: 'origin must be an http(s) origin' })
  origin!: string;

  @ApiPropertyOptional({ type: [String], description: 'Addresses that our facilitator may settle to for it.' })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(100)
  @IsEthereumAddress({ each: true, message: 'payTo must be addresses' })
  payTo?: string[];

  @ApiPropertyOptional({ description: 'It settles in batches: credit is held a day longer, not an hour.' })
  @IsOptional()
  @IsBoolean()
  deferred?: boolean;
}

export class ResourceServerDto {
  @ApiProperty({ example: 'srv_0192' })
  id!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty()
  origin!: string;

  @ApiProperty({ example: 'tbs_8fK3…' })
  hint!: string;

  @ApiProperty({ type: [String] })
  payTo!: readonly string[];

  @ApiProperty()
  deferred!: boolean;

  @ApiProperty()
  createdAt!: Date;

  @ApiProperty({ type: Date, nullable: true })
  revokedAt!: Date | null;
}

export class ResourceServerWithKeyDto extends ResourceServerDto {
  @ApiProperty({ example: 'tbs_…', description: 'Shown this once.' })
  key!: string;
}

export class ResourceServerListDto {
  @ApiProperty({ type: [ResourceServerDto] })
  data!: ResourceServerDto[];
}

export class BundleDto {
  @ApiProperty({ example: 'cus_0192' })
  id!: string;

  @ApiProperty({ type: Date, nullable: true, description: 'Since when nothing is signed for it.' })
  frozenAt!: Date | null;
}

export class CommitmentStateDto {
  @ApiProperty()
  id!: string;

  @ApiProperty({ enum: ['held', 'settled', 'released', 'revoked', 'expired'] })
  state!: string;
}
