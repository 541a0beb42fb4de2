import { Module } from '@nestjs/common';
import { GatewayModule } from '../gateway/gateway.module';
import { HealthController } from './health.controller';
import { SchemaService } from './schema.service';

@Module({ imports: [GatewayModule], controllers: [HealthController], providers: [SchemaService] })
export class HealthModule {}
