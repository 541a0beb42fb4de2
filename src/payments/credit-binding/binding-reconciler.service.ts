import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { JobsService } from '../../jobs/jobs.service';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import type { BindingClaimPayment } from './binding-hold';
import { SCHEME } from './binding-payment';
import { BindingSettlement } from './binding-settlement.service';

/** Finishes calls whose process died: what was delivered is settled, what was not is freed. */
@Injectable()
export class BindingReconciler implements OnModuleInit {
  private readonly logger = new Logger('BindingReconciler');

  constructor(
    private readonly claims: ClaimsService,
    private readonly settlement: BindingSettlement,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register({
      name: 'reconcile-credit-binding',
      everySeconds: 5,
      run: async () => void (await this.reconcile()),
    });
  }

  /** Finishes or frees every claim whose lease has run out. Returns how many. Safe beside itself and its owner. */
  async reconcile(): Promise<number> {
    let finished = 0;
    for (const claim of await this.claims.abandoned(SCHEME, ['working', 'settling'])) {
      try {
        if (await this.finish(claim)) finished++;
      } catch (error) {
        this.logger.error(`claim of call ${claim.callId} cannot be finished: ${String(error)}`);
      }
    }
    return finished;
  }

  private async finish(claim: Claim): Promise<boolean> {
    const payment = claim.payment as BindingClaimPayment;
    if (claim.state === 'working') {
      if (!(await this.claims.abandon(claim, 'released'))) return false;
      await this.settlement.release(payment.jti);
      return true;
    }
    const { key, callId, customerId, capture, answer } = claim;
    if (capture === null || customerId === null) throw new Error('what to charge is not kept with it');
    await this.settlement.settle({ ...payment, key, callId, customerId, capture, answer });
    return true;
  }
}
