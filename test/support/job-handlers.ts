import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { AppModule } from '../../src/app.module';
import { DatabaseService } from '../../src/database/database.service';
import type { Job } from '../../src/jobs/job';
import { JobsService } from '../../src/jobs/jobs.service';

/** How a test wants its job to go. */
export interface Story {
  /** Attempts that never end. */
  readonly hangs?: readonly number[];
  readonly takesMs?: number;
  /** Attempts that fail after the handler, while they are written. */
  readonly breaks?: readonly number[];
}

/** `effect`: its one effect is a row in `story.effects`; that it began is a row of its own transaction in `story.begun`. */
export function addTestHandlers(jobs: JobsService, database: DatabaseService): void {
  jobs.handle<Story>({
    name: 'effect',
    run: async ({ id, attempt, payload }: Job<Story>) => {
      await database.query('INSERT INTO story.begun VALUES ($1, $2, $3)', [id, attempt, process.pid]);
      if (payload.hangs?.includes(attempt)) await new Promise(() => undefined);
      if (payload.takesMs !== undefined) await sleep(payload.takesMs);
      return async (tx) => {
        await tx.query('INSERT INTO story.effects VALUES ($1, $2, $3)', [id, attempt, process.pid]);
        if (payload.breaks?.includes(attempt)) throw new Error(`broken in attempt ${attempt}`);
      };
    },
  });
  jobs.handle({
    name: 'fail',
    attempts: 2,
    run: async ({ attempt }: Job) => {
      const [healed] = await database.query('SELECT FROM story.healed');
      if (!healed) throw new Error(`attempt ${attempt} failed`, { cause: new Error('the third party is away') });
    },
  });
}

@Injectable()
class TestHandlers implements OnModuleInit {
  constructor(
    private readonly jobs: JobsService,
    private readonly database: DatabaseService,
  ) {}

  onModuleInit(): void {
    addTestHandlers(this.jobs, this.database);
    const run = async () => {
      await this.database.query(`INSERT INTO story.ticks VALUES (clock_timestamp(), NULL, ${process.pid})`);
    };
    if (process.env['TEST_TICKS']) this.jobs.register({ name: 'tick', everySeconds: 1, run });
  }
}

/** The product, with the handlers of the tests. */
@Module({ imports: [AppModule], providers: [TestHandlers] })
export class TestJobsModule {}
