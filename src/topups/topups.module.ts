import { Module } from '@nestjs/common';
import { CreditsModule } from '../credits/credits.module';
import { CustomersModule } from '../customers/customers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { CARDS } from './cards/cards.providers';
import { CHECKOUT } from './checkout.providers';
import { DISPUTES } from './disputes/disputes.providers';
import { PORTAL } from './portal/portal.providers';
import { REFUNDS } from './refunds/refunds.providers';
import { RELOAD } from './reload/reload.providers';
import { REVERSALS } from './reversals/reversals.providers';
import { STRIPE_BOOKS } from './stripe-books/stripe-books.providers';
import { StripeConnection } from './stripe-connection.client';
import { StripeEvents } from './stripe-events.service';
import { StripeMovements } from './stripe-movements.service';
import { StripeSources } from './stripe-sources.service';
import { StripeWebhookController } from './stripe-webhook.controller';
import { SUSPENSE } from './suspense/suspense.providers';
import type { TopUpsPart } from './topups-part.providers';

/** A line for each part. All of them meet at Stripe's connection, its events, and the movements of its balance. */
const PARTS: readonly TopUpsPart[] = [
  CHECKOUT,
  CARDS,
  RELOAD,
  REVERSALS,
  REFUNDS,
  DISPUTES,
  STRIPE_BOOKS,
  PORTAL,
  SUSPENSE,
];

@Module({
  imports: [CreditsModule, CustomersModule, LedgerModule],
  controllers: [StripeWebhookController, ...PARTS.flatMap(({ controllers = [] }) => controllers)],
  providers: [
    StripeConnection,
    StripeEvents,
    StripeMovements,
    StripeSources,
    ...PARTS.flatMap(({ providers = [] }) => providers),
  ],
  exports: [StripeEvents, StripeMovements, StripeSources, ...PARTS.flatMap((part) => part.exports ?? [])],
})
export class TopUpsModule {}
