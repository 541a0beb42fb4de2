import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { JobsService } from '../../jobs/jobs.service';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import { CreditCapture } from './credit-capture.service';

/**
 * Finishes calls with an Idempotency-Key whose process died. Where the answer and its charge are kept, the charge is
 * taken and a repeat gets the answer; where the work was not done, the key is free again. The hold itself returns by
 * its expiry.
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
    for (const claim of await this.claims.abandoned('credit', ['working', 'settling'])) {
      try {
        if (await this.finish(claim)) finished++;
      } catch (error) {
        this.logger.error(`claim of call ${claim.callId} cannot be finished: ${String(error)}`);
      }
    }
    return finished;
  }

  private async finish(claim: Claim): Promise<boolean> {
    if (claim.state === 'working') {
      return this.claims.abandon(claim, 'released');
    }
    const { capture, customerId, callId } = claim;
    if (capture === null || customerId === null) throw new Error('what to charge is not kept with it');
    const { asset, rows } = capture;
    const charge = { asset, atoms: BigInt(capture.charge) };
    const held = { asset, atoms: BigInt(capture.held) };
    await this.captures.settle(claim.key, { callId, customerId, held, charge, rows });
    return true;
  }
}
