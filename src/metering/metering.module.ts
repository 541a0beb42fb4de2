import { Module } from '@nestjs/common';
import { UsageRecordsService } from './usage-records.service';

@Module({ providers: [UsageRecordsService], exports: [UsageRecordsService] })
export class MeteringModule {}
