import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import type { Job, JobWrites } from '../../jobs/job';
import { JobsService } from '../../jobs/jobs.service';
import { ReversiblePayments } from '../reversals/reversible-payments.service';
import type { Refund } from './refund';
import { CARD_REFUND, type CardRefundPayload } from './refund-job';
import { RefundOutcomes } from './refund-outcomes.service';
import { RefundStore } from './refund-store.service';
import { type RefundAtStripe, RefundsClient } from './refunds.client';

/** Tried for more than a day: a refund that is off the customer's credit must not be forgotten. */
const ATTEMPTS = 40;

/** Tells Stripe of a refund, or finds out whether it was told. */
@Injectable()
export class RefundSender implements OnModuleInit {
  constructor(
    private readonly jobs: JobsService,
    private readonly database: DatabaseService,
    private readonly payments: ReversiblePayments,
    private readonly store: RefundStore,
    private readonly client: RefundsClient,
    private readonly outcomes: RefundOutcomes,
  ) {}

  onModuleInit(): void {
    this.jobs.handle<CardRefundPayload>({ name: CARD_REFUND, attempts: ATTEMPTS, run: (job) => this.run(job) });
  }

  private async run({ payload: { refundId }, attempt }: Job<CardRefundPayload>): Promise<JobWrites | void> {
    const refund = await this.store.get(refundId);
    if (!refund || refund.state !== 'opened') return undefined;
    const { paymentIntentId, minor } = refund;
    const earlier = attempt > 1 ? await this.find(refund) : undefined;
    const answer = earlier ?? (await this.client.create({ refundId, paymentIntentId, minor }));
    await this.payments.prepare(this.database, paymentIntentId);
    if ('rejected' in answer) return (tx) => this.outcomes.reject(tx, refund, answer.rejected);
    return (tx) => this.outcomes.converge(tx, paymentIntentId, [answer]);
  }

  /** An attempt before this one may have reached Stripe longer ago than idempotency keys live there. */
  private async find({ id, paymentIntentId }: Refund): Promise<RefundAtStripe | undefined> {
    return (await this.client.listOf(paymentIntentId)).find(({ refundId }) => refundId === id);
  }
}
