import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { FRAME_HEADERS } from './page-frame';
import { CANCELLED_PAGE, CARD_SAVED_PAGE, type Page, render, returnPage } from './topup-page';
import { TopUpsService } from './topups.service';

/** Where Stripe sends a person back to. It only tells: what counts is the webhook. */
@ApiExcludeController()
@Controller('topups')
export class TopUpPagesController {
  constructor(private readonly topUps: TopUpsService) {}

  @Get('return')
  async returned(
    @Query('session_id') sessionId: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const known = typeof sessionId === 'string' && /^cs_\w{1,200}$/.test(sessionId);
    return say(reply, returnPage(known ? await this.topUps.findBySession(sessionId) : undefined));
  }

  @Get('cancelled')
  cancelled(@Res({ passthrough: true }) reply: FastifyReply): string {
    return say(reply, CANCELLED_PAGE);
  }

  @Get('card-saved')
  cardSaved(@Res({ passthrough: true }) reply: FastifyReply): string {
    return say(reply, CARD_SAVED_PAGE);
  }
}

function say(reply: FastifyReply, page: Page): string {
  void reply.headers(FRAME_HEADERS);
  return render(page);
}
