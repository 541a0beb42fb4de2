import { Module } from '@nestjs/common';
import { HealthController } from './health.controller';
import { RunningCalls } from './running-calls.service';
import { SchemaService } from './schema.service';

@Module({ controllers: [HealthController], providers: [RunningCalls, SchemaService], exports: [RunningCalls] })
export class HealthModule {}
