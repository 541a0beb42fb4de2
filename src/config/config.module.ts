import { Global, Module } from '@nestjs/common';
import type { Config } from './config';
import { readEnvironment } from './read-environment.dto';

/** Injection token of the frozen `Config`. */
export const CONFIG = Symbol('CONFIG');

@Global()
@Module({
  providers: [{ provide: CONFIG, useFactory: (): Config => readEnvironment(process.env) }],
  exports: [CONFIG],
})
export class ConfigModule {}
