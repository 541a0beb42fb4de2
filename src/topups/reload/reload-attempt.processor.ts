import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import type { Job, JobWrites } from '../../jobs/job';
import { JobsService } from '../../jobs/jobs.service';
import { usdToCents } from '../topup';
import { AUTO_RELOAD, RELOAD_TRIES, type ReloadPayload } from './reload-job';
import { nextReloadState, type ReloadOutcome } from './reload-attempt';
import { ReloadCharges } from './reload-charges.service';
import { ReloadOutcomes } from './reload-outcomes.service';
import { type AttemptRow, ReloadAttempts } from './reload-attempts.service';
import { ReloadCards } from './reload-cards.service';

/** Charges the card of an attempt, or finds out what became of it. */
@Injectable()
export class ReloadProcessor implements OnModuleInit {
  constructor(
    private readonly jobs: JobsService,
    private readonly database: DatabaseService,
    private readonly attempts: ReloadAttempts,
    private readonly cards: ReloadCards,
    private readonly charges: ReloadCharges,
    private readonly outcomes: ReloadOutcomes,
  ) {}

  onModuleInit(): void {
    this.jobs.handle<ReloadPayload>({ name: AUTO_RELOAD, attempts: RELOAD_TRIES, run: (job) => this.run(job) });
  }

  private async run({ payload: { attemptId } }: Job<ReloadPayload>): Promise<JobWrites | void> {
    const planned = await this.attempts.find(attemptId);
    if (planned?.state === 'processing') return this.look(planned);
    if (!planned || nextReloadState(planned.state, 'asked') === undefined) return undefined;
    await this.outcomes.prepare(this.database, planned);
    const outcome = await this.outcomeOf(planned);
    return (tx) => this.outcomes.converge(tx, planned, outcome);
  }

  /** Whether it is wanted is judged each time: what repeats may be hours later. */
  private async outcomeOf(planned: AttemptRow): Promise<ReloadOutcome> {
    if (planned.paymentMethodId !== null) {
      return (await this.cards.isWanted(planned)) ? this.ask(planned) : this.lookFor(planned);
    }
    const begun = await this.cards.begin(planned);
    return typeof begun === 'string' ? { kind: begun } : this.ask(begun);
  }

  private async look(attempt: AttemptRow): Promise<JobWrites | void> {
    if (attempt.paymentIntentId === null) return undefined;
    const outcome = await this.charges.presentOutcome(attempt, attempt.paymentIntentId);
    if (!outcome) return undefined;
    await this.outcomes.prepare(this.database, attempt);
    return (tx) => this.outcomes.converge(tx, attempt, outcome);
  }

  private async ask(attempt: AttemptRow): Promise<ReloadOutcome> {
    try {
      return await this.charges.outcomeOf(attempt, usdToCents(attempt.amount));
    } catch (error) {
      // Shown as what it is; the job asks again.
      await this.attempts.doubt(this.database, attempt.id, 'processor_unreachable');
      throw error;
    }
  }

  /**
   * Not wanted any more, so nothing is charged; but a card may have been, and what was asked last may reach Stripe late.
   * Until that cannot be any more the attempt stays pending: no other is begun beside it, and when a charge is wanted
   * again it is this one that is asked for, under its own key.
   */
  private async lookFor(attempt: AttemptRow): Promise<ReloadOutcome> {
    const found = await this.charges.madeBefore(attempt);
    if (found) return found;
    await this.attempts.doubt(this.database, attempt.id, 'not_wanted');
    throw new Error(`${attempt.id} is not wanted any more. Nothing of it is at Stripe, and what was asked may arrive.`);
  }
}
