import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../app.module';
import { useDatabase } from './environment';

/** Gives a command the services of the product, without a listener and without jobs, and closes them behind it. */
export async function withApplication<Result>(use: (app: INestApplicationContext) => Promise<Result>): Promise<Result> {
  await useDatabase();
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  try {
    return await use(app);
  } finally {
    await app.close();
  }
}
