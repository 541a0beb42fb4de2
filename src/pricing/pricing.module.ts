import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module';
import { PricesAdminController } from './prices.admin.controller';
import { PricingService } from './pricing.service';

@Module({
  imports: [CustomersModule],
  controllers: [PricesAdminController],
  providers: [PricingService],
  exports: [PricingService],
})
export class PricingModule {}
