import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Matches, Max, MaxLength, Min } from 'class-validator';
import type { Notification } from './notification';

/** Which notifications to list. */
export class NotificationQueryDto {
  @ApiPropertyOptional({ description: "For the operator: whose. Left out: the operator's own." })
  @IsOptional()
  @Matches(/^cus_\w{1,100}$/, { message: 'customerId must be the id of a customer' })
  @MaxLength(100)
  customerId?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 200, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit: number = 50;

  @ApiPropertyOptional({ description: 'The last id of the page before: older ones follow.' })
  @IsOptional()
  @Matches(/^ntf_\w{1,100}$/, { message: 'before must be the id of a notification' })
  before?: string;
}

export class NotificationDto {
  @ApiProperty({ example: 'ntf_019a8b2c3d4e7f60a1b2c3d4e5f60718' })
  id!: string;

  @ApiProperty({ type: String, nullable: true, description: 'Null for what the operator is told.' })
  customerId!: string | null;

  @ApiProperty({ example: 'reload_failed', description: 'Stable, in snake_case: what a program decides by.' })
  kind!: string;

  @ApiProperty({ type: Object, example: { reason: 'insufficient_funds' } })
  data!: Readonly<Record<string, unknown>>;

  @ApiProperty({ type: String, nullable: true, example: null, description: 'Where to go for what is to be done.' })
  url!: string | null;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  readAt!: string | null;
}

export class NotificationListDto {
  @ApiProperty({ type: [NotificationDto] })
  data!: NotificationDto[];

  @ApiProperty({ example: false, description: 'Whether older ones follow: ask again with before = the last id.' })
  hasMore!: boolean;
}

export const toNotificationDto = (notification: Notification): NotificationDto => ({
  id: notification.id,
  customerId: notification.customerId,
  kind: notification.kind,
  data: notification.data,
  url: notification.url,
  createdAt: notification.createdAt.toISOString(),
  readAt: notification.readAt?.toISOString() ?? null,
});
