import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { JobsService } from '../../jobs/jobs.service';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import { CreditCapture } from './credit-capture.service';
import { pendingCharge } from './credit-charge';

/** Schemes that draw from a balance: a claim of theirs is finished, or free again, without asking anybody. */
const DRAWN = ['credit', 'wallet'] as const;

/**
 * Finishes calls with an Idempotency-Key, or with a wallet's sign-in, whose process died. Where the answer and its
 * charge are kept, the charge is taken and a repeat gets the answer; where the work was not done, the key is free
 * again. The hold itself returns by its expiry.
 */
@Injectable()
export class CreditRecovery implements OnModuleInit {
  private readonly logger = new Logger('CreditRecovery');

  constructor(
    private readonly claims: ClaimsService,
    private readonly captures: CreditCapture,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register({
      name: 'recover-credit-claims',
      everySeconds: 5,
      run: async () => void (await this.recover()),
    });
  }

  /** Finishes or frees every claim whose lease has run out. Returns how many. Safe beside itself and its owner. */
  async recover(): Promise<number> {
    let finished = 0;
    for (const claim of await this.abandoned()) {
      try {
        if (await this.finish(claim)) finished++;
      } catch (error) {
        this.logger.error(`claim of call ${claim.callId} cannot be finished: ${String(error)}`);
      }
    }
    return finished;
  }

  private async abandoned(): Promise<Claim[]> {
    const claims = await Promise.all(DRAWN.map((scheme) => this.claims.abandoned(scheme, ['working', 'settling'])));
    return claims.flat();
  }

  private async finish(claim: Claim): Promise<boolean> {
    if (claim.state === 'working') {
      return this.claims.abandon(claim, 'released');
    }
    await this.captures.settle(claim.key, pendingCharge(claim));
    return true;
  }
}
