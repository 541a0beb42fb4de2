import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import type { Job, JobWrites } from '../jobs/job';
import { HopelessJobError } from '../jobs/job-error';
import { JobsService } from '../jobs/jobs.service';
import { CardPaymentsService } from './card-payments.service';
import { STRIPE_FEE, type StripeFeePayload } from './stripe-fee-job';
import { feeInUsd } from './stripe-transaction';
import { StripeClient } from './stripe.client';

/** Asks Stripe for the fee of a payment that was booked without one. */
@Injectable()
export class StripeFeeProcessor implements OnModuleInit {
  constructor(
    private readonly jobs: JobsService,
    private readonly database: DatabaseService,
    private readonly stripe: StripeClient,
    private readonly payments: CardPaymentsService,
  ) {}

  onModuleInit(): void {
    this.jobs.handle<StripeFeePayload>({ name: STRIPE_FEE, run: (job) => this.run(job) });
  }

  private async run({ payload: { paymentIntentId } }: Job<StripeFeePayload>): Promise<JobWrites | void> {
    if (!(await this.payments.lacksFee(this.database, paymentIntentId))) return undefined;
    const booked = await this.stripe.askMovement(paymentIntentId);
    if (booked === 'unbooked') throw new Error(`Stripe has not booked ${paymentIntentId} yet.`);
    if (booked === 'no_payment_intent' || !feeInUsd(booked)) {
      throw new HopelessJobError(`Stripe settles ${paymentIntentId} in another currency than USD.`);
    }
    return (tx) => this.payments.bookMovement(tx, paymentIntentId, booked);
  }
}
