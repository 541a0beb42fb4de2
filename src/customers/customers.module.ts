import { Module } from '@nestjs/common';
import { AccessGuard } from './access.guard';
import { ApiKeysService } from './api-keys.service';
import { CustomersService } from './customers.service';

@Module({
  providers: [ApiKeysService, CustomersService, AccessGuard],
  exports: [ApiKeysService, CustomersService, AccessGuard],
})
export class CustomersModule {}
