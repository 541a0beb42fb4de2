import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { JobsService } from '../../jobs/jobs.service';
import { CommitmentsService } from './commitments.service';
import { CommitmentSettlement } from './settlement.service';

const BATCH = 200;

/** Returns the credit of attestations that nobody settled until `holdExp`. */
@Injectable()
export class CommitmentSweeper implements OnModuleInit {
  private readonly logger = new Logger('CommitmentSweeper');

  constructor(
    private readonly commitments: CommitmentsService,
    private readonly settlement: CommitmentSettlement,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'expire-commitments', everySeconds: 10, run: async () => void (await this.sweep()) });
  }

  /** Returns how many it ended; what is left comes next time. Safe beside others and beside settlements. */
  async sweep(): Promise<number> {
    let ended = 0;
    for (const jti of await this.commitments.overdue(BATCH)) {
      try {
        if (await this.settlement.expire(jti)) ended++;
      } catch (error) {
        this.logger.error(`commitment ${jti} cannot be ended: ${String(error)}`);
      }
    }
    return ended;
  }
}
