import 'reflect-metadata';
import cors from '@fastify/cors';
import { type LoggerService, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { AppModule } from './app.module';
import { InvalidRequestError } from './common/billing-error';
import { isDeeperThan, MOST_LEVELS } from './common/depth';
import { newId } from './common/id';
import { ProblemFilter, sendFrameworkProblem } from './common/problem.filter';
import { RunningCalls } from './gateway/running-calls.service';
import { admit } from './health/admission';

const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** Builds the HTTP application: the same in production, in the local world and in tests. It does not listen yet. */
export async function createApplication(logger?: LoggerService | false): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_BODY_BYTES,
    // The request id is also the id of the call, its hold, its usage record: one name everywhere.
    genReqId: newId,
    forceCloseConnections: 'idle',
    frameworkErrors: sendFrameworkProblem,
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, {
    rawBody: true,
    bodyParser: true,
    // Who starts us says what went wrong, and with which exit code.
    abortOnError: false,
    ...(logger === undefined ? {} : { logger }),
  });
  const calls = app.get(RunningCalls, { strict: false });
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', async (request, reply) => {
      reply.header('x-request-id', request.id);
      admit(calls, request.url, reply.raw);
    });
  refuseDeepBodies(app);
  await app.register(cors, {
    origin: true,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    // Request headers are reflected: a browser may send what a client package adds (x-stainless-…, payment headers).
    exposedHeaders: [
      'payment-required',
      'payment-response',
      'x-payment-response',
      'x-request-id',
      'x-tollbridge-invoice',
      'x-tollbridge-cost',
      'x-tollbridge-balance',
      'retry-after',
    ],
  });
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }));
  const document = new DocumentBuilder()
    .setTitle('Tollbridge')
    .setDescription('Every AI inference call paid: prepaid credit or USDC through HTTP 402.')
    .setVersion('0.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key tb_…, or the operator token' })
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, document), {
    jsonDocumentUrl: 'docs/openapi.json',
  });
  return app;
}

/** On every route, before anything walks a body. */
function refuseDeepBodies(app: NestFastifyApplication): void {
  const detail = `The body is nested more than ${MOST_LEVELS} levels deep.`;
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('preValidation', (request, _reply, done) => {
      const isTooDeep = isDeeperThan(MOST_LEVELS, request.body);
      done(isTooDeep ? new InvalidRequestError({ code: 'body_too_deep', detail }) : undefined);
    });
}
