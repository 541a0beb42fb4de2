import { Controller, HttpCode, Post, type RawBodyRequest, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { StripeConnection } from './stripe-connection.client';
import { readStripeEvent } from './stripe-event';
import { StripeEvents } from './stripe-events.service';

/**
 * Where Stripe tells what happened (https://docs.stripe.com/webhooks). The signature is the authentication, checked
 * on the bytes as they came before anything in them is believed. 2xx means: committed, or of no concern to us.
 */
@ApiExcludeController()
@Controller('webhooks/stripe')
export class StripeWebhookController {
  constructor(
    private readonly stripe: StripeConnection,
    private readonly events: StripeEvents,
  ) {}

  @Post()
  @HttpCode(200)
  async receive(@Req() request: RawBodyRequest<FastifyRequest>): Promise<{ received: true; effect: string }> {
    const event = readStripeEvent(this.stripe.verifiedBody(request.rawBody, request.headers['stripe-signature']));
    return { received: true, effect: event ? await this.events.receive(event) : 'ignored' };
  }
}
