import { Module } from '@nestjs/common';
import { AccessGuard } from './access.guard';
import { ApiKeysService } from './api-keys.service';
import { CustomersAdminController } from './customers.admin.controller';
import { CustomersService } from './customers.service';

@Module({
  controllers: [CustomersAdminController],
  providers: [ApiKeysService, CustomersService, AccessGuard],
  exports: [ApiKeysService, CustomersService, AccessGuard],
})
export class CustomersModule {}
