import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { JobsService } from '../../jobs/jobs.service';
import type { Claim, KeptAnswer } from '../claim';
import { ClaimsService } from '../claims.service';
import type { HoldOutcome, PaymentPayload, PaymentScheme, Work } from '../payment-scheme';
import { answerNotKept, inProgress, type Refusal } from '../refusal';
import { isAnswered, Repeats } from '../repeats.service';
import { IdentifiersStore, type PaymentName } from './identifiers-store.service';
import {
  fingerprintOf,
  identifierConflict,
  identifierOf,
  malformedIdentifier,
  PAYMENT_IDENTIFIER,
} from './payment-identifier';

/** How long a payment that is made again waits for the first one's answer. */
const WAIT_MS = 30_000;
const POLL_MS = 50;
/** Answers are kept for a day. */
const FORGET_HOURS = 24;

/**
 * x402 `payment-identifier`: a payment that its payer makes again under the same name, however it is signed, is not
 * taken again. Schemes that cannot prove a payer from a payment alone take every payment for a new one.
 */
@Injectable()
export class IdentifiedPayments implements OnModuleInit {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly jobs: JobsService,
    private readonly claims: ClaimsService,
    private readonly names: IdentifiersStore,
    private readonly repeats: Repeats,
  ) {}

  onModuleInit(): void {
    if (!this.isOn) return;
    const run = () => this.names.forget(FORGET_HOURS);
    this.jobs.register({ name: 'forget-payment-identifiers', everySeconds: 3600, run });
  }

  /** The scheme's `hold`, or what came of the payment that had this name before. */
  async hold(scheme: PaymentScheme, payment: PaymentPayload, work: Work, answerTo: AnswerTo): Promise<HoldOutcome> {
    try {
      return await this.holdOrFollow(scheme, payment, work, answerTo);
    } catch (error) {
      // Nobody does the work of what was claimed by then.
      this.claims.leaveCall(work.callId);
      throw error;
    }
  }

  private async holdOrFollow(
    scheme: PaymentScheme,
    payment: PaymentPayload,
    work: Work,
    answerTo: AnswerTo,
  ): Promise<HoldOutcome> {
    const id = this.isOn ? identifierOf(payment, work.headers) : undefined;
    if (id === undefined || !scheme.prove || !scheme.answerTo) return scheme.hold(payment, work);
    if (id === null) return refused(malformedIdentifier);
    // By the signature: nobody takes a name, or reads an answer, of somebody else.
    const payer = await scheme.prove(payment, work);
    if (payer === undefined) return scheme.hold(payment, work);
    const name = { payer, id, fingerprint: fingerprintOf(work, payer), callId: work.callId };
    return (await this.names.take(name)) ? this.holdUnder(name, scheme, payment, work) : this.follow(name, answerTo);
  }

  private async holdUnder(
    name: PaymentName,
    scheme: PaymentScheme,
    payment: PaymentPayload,
    work: Work,
  ): Promise<HoldOutcome> {
    let claimKey: string | null = null;
    try {
      const outcome = await scheme.hold(payment, work);
      if (outcome.kind === 'held') claimKey = outcome.hold.claimKey;
      return outcome;
    } finally {
      // What was not taken leaves its name free for the next attempt.
      await (claimKey === null ? this.names.free(name) : this.names.claimed(name, claimKey));
    }
  }

  private async follow(name: PaymentName, answerTo: AnswerTo): Promise<HoldOutcome> {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const first = await this.names.find(name);
      // Freed between the two questions.
      if (!first) return refused(inProgress);
      if (first.fingerprint !== name.fingerprint) return refused(identifierConflict);
      if (first.claimKey !== null) return this.outcomeOf(first.claimKey, answerTo, deadline - Date.now());
      if (Date.now() >= deadline) return refused(inProgress);
      await sleep(POLL_MS);
    }
  }

  private async outcomeOf(claimKey: string, answerTo: AnswerTo, milliseconds: number): Promise<HoldOutcome> {
    const claim = await this.claims.settled(claimKey, Math.max(milliseconds, 0));
    if (claim?.state === 'in_doubt') return refused(await this.repeats.doubtAbout(claimKey));
    if (!claim || !isAnswered(claim)) return refused(inProgress);
    const answer = answerTo(claim);
    return answer ? { kind: 'replay', answer } : refused(answerNotKept);
  }

  private get isOn(): boolean {
    return this.config.x402?.extensions.includes(PAYMENT_IDENTIFIER) ?? false;
  }
}

/** The kept answer of a claim, of whichever scheme. */
type AnswerTo = (claim: Claim) => KeptAnswer | undefined;

const refused = (refusal: Refusal): HoldOutcome => ({ kind: 'refused', refusal });
