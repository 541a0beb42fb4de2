import { Module } from '@nestjs/common';
import { AccessGuard } from './access.guard';
import { ApiKeysService } from './api-keys.service';
import { CustomersAdminController } from './customers.admin.controller';
import { CustomersService } from './customers.service';
import { NotificationsController } from './notifications.controller';
import { NotificationsService } from './notifications.service';
import { PageLinks } from './page-links.service';

@Module({
  controllers: [CustomersAdminController, NotificationsController],
  providers: [ApiKeysService, CustomersService, NotificationsService, PageLinks, AccessGuard],
  exports: [ApiKeysService, CustomersService, NotificationsService, PageLinks, AccessGuard],
})
export class CustomersModule {}
