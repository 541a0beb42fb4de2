import { Controller, Get, Header, HttpCode, Query } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { CANCELLED_PAGE, CARD_SAVED_PAGE, render, returnPage } from './topup-page';
import { TopUpsService } from './topups.service';

const HTML = 'text/html; charset=utf-8';
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/** Where Stripe sends a person back to. It only tells: what counts is the webhook. */
@ApiExcludeController()
@Controller('topups')
export class TopUpPagesController {
  constructor(private readonly topUps: TopUpsService) {}

  @Get('return')
  @HttpCode(200)
  @Header('content-type', HTML)
  @Header('content-security-policy', POLICY)
  @Header('cache-control', 'no-store')
  @Header('referrer-policy', 'no-referrer')
  async returned(@Query('session_id') sessionId: unknown): Promise<string> {
    const known = typeof sessionId === 'string' && /^cs_\w{1,200}$/.test(sessionId);
    return render(returnPage(known ? await this.topUps.findBySession(sessionId) : undefined));
  }

  @Get('cancelled')
  @Header('content-type', HTML)
  @Header('content-security-policy', POLICY)
  @Header('cache-control', 'no-store')
  @Header('referrer-policy', 'no-referrer')
  cancelled(): string {
    return render(CANCELLED_PAGE);
  }

  @Get('card-saved')
  @Header('content-type', HTML)
  @Header('content-security-policy', POLICY)
  @Header('cache-control', 'no-store')
  @Header('referrer-policy', 'no-referrer')
  cardSaved(): string {
    return render(CARD_SAVED_PAGE);
  }
}
