import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { within } from '../common/within';
import { RunningCalls } from '../gateway/running-calls.service';
import { SchemaService } from './schema.service';

const PATIENCE_MS = 3_000;

/** For orchestrators: is the process alive, and should it get calls. */
@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(
    private readonly calls: RunningCalls,
    private readonly schema: SchemaService,
  ) {}

  /** Asks nothing of others: a database that is away is no reason to restart this process. */
  @Get('live')
  @Header('cache-control', 'no-store')
  @ApiOperation({ operationId: 'isLive', summary: 'Whether the process answers' })
  @ApiOkResponse({ schema: { example: { status: 'ok' } } })
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @Header('cache-control', 'no-store')
  @ApiOperation({ operationId: 'isReady', summary: 'Whether calls should come here, and what is wrong when not' })
  @ApiOkResponse({ schema: { example: { status: 'ok', problems: [] } } })
  @ApiServiceUnavailableResponse({
    schema: { example: { status: 'unavailable', problems: [{ code: 'shutting_down', detail: '…' }] } },
  })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readiness> {
    const problems = this.calls.draining ? [SHUTTING_DOWN] : await this.databaseProblems();
    if (problems.length > 0) void reply.status(503);
    return { status: problems.length > 0 ? 'unavailable' : 'ok', problems };
  }

  private async databaseProblems(): Promise<Problem[]> {
    try {
      const pending = await within(PATIENCE_MS, this.schema.pending());
      if (pending.length > 0) {
        const detail = `Migrations have not run: ${pending.join(', ')}. Run tollbridge migrate.`;
        return [{ code: 'migrations_pending', detail }];
      }
      return (await within(PATIENCE_MS, this.schema.booksAreOpen())) ? [BOOKS_ARE_OPEN] : [];
    } catch {
      // Why is in the log of the database and in ours; here it could tell strangers about hosts.
      return [{ code: 'database_unreachable', detail: 'The database does not answer.' }];
    }
  }
}

interface Problem {
  readonly code: string;
  readonly detail: string;
}

interface Readiness {
  readonly status: 'ok' | 'unavailable';
  readonly problems: readonly Problem[];
}

const SHUTTING_DOWN: Problem = { code: 'shutting_down', detail: 'The process finishes its calls and ends.' };

const BOOKS_ARE_OPEN: Problem = {
  code: 'books_unprotected',
  detail: 'The role of DATABASE_URL could alter the books. Restart this process: it will say how, and what to do.',
};
