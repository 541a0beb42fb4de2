import { Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../common/problem.dto';
import { type Caller, visibleCustomer } from './access';
import { AccessGuard, CurrentCaller } from './access.guard';
import { NotificationDto, NotificationListDto, NotificationQueryDto, toNotificationDto } from './notifications.dto';
import { NotificationsService } from './notifications.service';

/** What the caller should know: a key reads its customer's, the operator its own or those of the customer it names. */
@ApiTags('notifications')
@ApiBearerAuth()
@UseGuards(AccessGuard)
@Controller('v1/notifications')
export class NotificationsController {
  constructor(private readonly notifications: NotificationsService) {}

  @Get()
  @ApiOperation({ operationId: 'listNotifications', summary: 'Notifications, newest first' })
  @ApiOkResponse({ type: NotificationListDto })
  @ApiProblems(400, 401, 403)
  async list(@CurrentCaller() caller: Caller, @Query() query: NotificationQueryDto): Promise<NotificationListDto> {
    const whose = visibleCustomer(caller, query.customerId) ?? null;
    const found = await this.notifications.list(whose, query.limit + 1, query.before);
    return { data: found.slice(0, query.limit).map(toNotificationDto), hasMore: found.length > query.limit };
  }

  @Post(':id/read')
  @HttpCode(200)
  @ApiOperation({ operationId: 'readNotification', summary: 'It has been read; safe to repeat' })
  @ApiOkResponse({ type: NotificationDto })
  @ApiProblems(401, 403, 404)
  async read(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<NotificationDto> {
    return toNotificationDto(await this.notifications.markRead(id, visibleCustomer(caller, undefined) ?? null));
  }
}
