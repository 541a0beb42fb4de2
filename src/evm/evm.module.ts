import { Module } from '@nestjs/common';
import { EvmClient } from './evm.client';

@Module({ providers: [EvmClient], exports: [EvmClient] })
export class EvmModule {}
