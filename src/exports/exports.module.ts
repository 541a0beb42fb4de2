import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module';
import { ExportsController } from './exports.controller';
import { ExportsService } from './exports.service';

@Module({ imports: [CustomersModule], controllers: [ExportsController], providers: [ExportsService] })
export class ExportsModule {}
