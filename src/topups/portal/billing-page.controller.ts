import { Controller, Get, Param, Query, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { TopUpsService } from '../topups.service';
import { type Done, DONE } from './billing-account';
import { BillingAccounts } from './billing-account.service';
import { BillingAddresses } from './billing-addresses.service';
import { renderBillingPage } from './billing-page';
import { BillingPageFilter } from './billing-page.filter';
import { FRAME_HEADERS } from '../page-frame';

/** The page, for whoever was given its address. */
@ApiExcludeController()
@UseFilters(BillingPageFilter)
@Controller('billing')
export class BillingPageController {
  constructor(
    private readonly addresses: BillingAddresses,
    private readonly accounts: BillingAccounts,
    private readonly topUps: TopUpsService,
  ) {}

  @Get(':token')
  async show(
    @Param('token') token: string,
    @Query('done') done: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { customerId, expiresAt } = this.addresses.open(token);
    const account = await this.accounts.of(customerId);
    void reply.headers(FRAME_HEADERS);
    const visit = { address: this.addresses.pathOf(token), expiresAt };
    return renderBillingPage(account, isDone(done) ? { ...visit, done } : visit);
  }

  /** Asked for anew each time: Stripe's addresses of receipts end after a while. */
  @Get(':token/receipts/:topUpId')
  async receipt(
    @Param('token') token: string,
    @Param('topUpId') topUpId: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { customerId } = this.addresses.open(token);
    const url = await this.topUps.receipt(topUpId, customerId);
    await reply.headers(FRAME_HEADERS).redirect(url, 303);
  }
}

const isDone = (text: unknown): text is Done => typeof text === 'string' && Object.hasOwn(DONE, text);
