import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { ClaimsService } from '../claims.service';
import { ExactBooks } from './exact-books.service';
import type { UnfinishedClaim } from './exact-claim';
import { ExactSettlement } from './exact-settlement.service';

/** Answers before settlement: the charge is on the books when the answer leaves, the money moves behind it. */
@Injectable()
export class ExactPromises implements BeforeApplicationShutdown {
  private readonly settling = new Set<Promise<unknown>>();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly books: ExactBooks,
    private readonly claims: ClaimsService,
    private readonly settlement: ExactSettlement,
  ) {}

  /** What is left open then is finished by the reconciler, of whichever process. */
  async beforeApplicationShutdown(): Promise<void> {
    const grace = sleep(this.config.http.shutdownGraceMs, undefined, { ref: false });
    await Promise.race([Promise.allSettled(this.settling), grace]);
  }

  /**
   * Books a claim that is `promised`, and has it settled without waiting for that.
   * @throws when it could not be booked: the reconciler does it, since the claim is durable.
   */
  async make(claim: UnfinishedClaim): Promise<void> {
    try {
      await this.books.promised(claim);
    } catch (error) {
      this.claims.leave(claim.key, claim.callId);
      throw error;
    }
    const settling = this.settlement.settle(claim, 'settled').finally(() => this.settling.delete(settling));
    this.settling.add(settling);
  }
}
