import { Injectable, type OnModuleInit } from '@nestjs/common';
import { idOf } from '../stripe-event';
import { type StripeEffect, StripeEvents } from '../stripe-events.service';
import { StripeSources } from '../stripe-sources.service';
import { ReversiblePayments } from '../reversals/reversible-payments.service';
import { DisputeOutcomes } from './dispute-outcomes.service';
import { DisputesClient } from './disputes.client';
import { FraudWarnings } from './fraud-warnings.service';

const DISPUTES = ['created', 'updated', 'closed', 'funds_withdrawn', 'funds_reinstated'];
const WARNINGS = ['radar.early_fraud_warning.created', 'radar.early_fraud_warning.updated'];

/** What Stripe tells of disputes. Whichever event it is, the dispute is asked for as it is now. */
@Injectable()
export class DisputeEvents implements OnModuleInit {
  constructor(
    private readonly events: StripeEvents,
    private readonly sources: StripeSources,
    private readonly client: DisputesClient,
    private readonly payments: ReversiblePayments,
    private readonly outcomes: DisputeOutcomes,
    private readonly warnings: FraudWarnings,
  ) {}

  onModuleInit(): void {
    const types = DISPUTES.map((news) => `charge.dispute.${news}`);
    this.events.handle({ types, read: ({ object }) => this.ofDispute(idOf(object) ?? '') });
    this.events.handle({ types: WARNINGS, read: ({ object }) => this.ofWarning(idOf(object) ?? '') });
    this.sources.register(['dp', 'du'], (id) => this.ofDispute(id));
    this.sources.register(['issfr'], (id) => this.ofWarning(id));
  }

  private async ofDispute(id: string): Promise<StripeEffect | undefined> {
    const dispute = await this.client.find(id);
    if (!dispute || !(await this.payments.ensure(dispute.paymentIntentId, dispute.chargeId))) return undefined;
    return (tx) => this.outcomes.converge(tx, dispute);
  }

  private async ofWarning(id: string): Promise<StripeEffect | undefined> {
    const warning = await this.client.findWarning(id);
    if (!warning || !(await this.payments.ensure(warning.paymentIntentId, warning.chargeId))) return undefined;
    const effect = await this.warnings.effectOf(warning);
    if (warning.actionable) return effect;
    // It ended by a refund or a dispute. The dispute comes first: nothing is let go in between.
    const disputes = await this.client.listOf(warning.paymentIntentId);
    return async (tx) => {
      for (const dispute of disputes) await this.outcomes.converge(tx, dispute);
      return effect(tx);
    };
  }
}
