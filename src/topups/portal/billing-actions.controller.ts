import { Body, Controller, Inject, Param, Post, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { SavedCardsService } from '../cards/saved-cards.service';
import { BillingAccounts } from './billing-account.service';
import type { Done } from './billing-account';
import { BillingAddresses } from './billing-addresses.service';
import { renderBillingPage } from './billing-page';
import { BillingPageFilter } from './billing-page.filter';
import { BillingReload } from './billing-reload.service';
import { FRAME_HEADERS, noticePage } from '../page-frame';
import { fieldOf, readReloadForm } from './reload-form';

/**
 * What the page's forms are sent to. Another site cannot send them in somebody's name: the token in the address is the
 * only thing that lets anybody in, and no cookie is read.
 */
@ApiExcludeController()
@UseFilters(BillingPageFilter)
@Controller('billing/:token')
export class BillingActionsController {
  constructor(
    private readonly addresses: BillingAddresses,
    private readonly accounts: BillingAccounts,
    private readonly cards: SavedCardsService,
    private readonly reload: BillingReload,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** To Stripe's page, by a page of ours: a form must not lead to another site, a link may. */
  @Post('add-card')
  async addCard(@Param('token') token: string, @Res() reply: FastifyReply): Promise<void> {
    const { customerId } = this.addresses.open(token);
    const back = { saved: this.addresses.urlOf(token, 'card-saved'), cancelled: this.addresses.urlOf(token) };
    const href = await this.cards.startSetup(customerId, back);
    const next = { href, words: 'Go on to Stripe', byItself: true };
    await reply
      .status(200)
      .headers(FRAME_HEADERS)
      .send(noticePage({ title: 'Save a card', sentences: ['Stripe keeps it.'], next }));
  }

  @Post('default-card')
  async makeDefault(@Param('token') token: string, @Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    const { customerId } = this.addresses.open(token);
    await this.cards.makeDefault(customerId, fieldOf(body, 'card'));
    await this.back(reply, token, 'card-default');
  }

  @Post('remove-card')
  async remove(@Param('token') token: string, @Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    const { customerId } = this.addresses.open(token);
    await this.cards.remove(customerId, fieldOf(body, 'card'));
    await this.back(reply, token, 'card-removed');
  }

  @Post('auto-reload')
  async setReload(@Param('token') token: string, @Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    const { customerId, expiresAt } = this.addresses.open(token);
    const read = readReloadForm(body, this.config.topUps);
    if ('terms' in read) {
      await this.reload.set(customerId, read.terms);
      return this.back(reply, token, 'reload-on');
    }
    const account = await this.accounts.of(customerId);
    const page = renderBillingPage(account, { address: this.addresses.pathOf(token), expiresAt, refused: read });
    await reply.status(400).headers(FRAME_HEADERS).send(page);
  }

  @Post('pause')
  async pause(@Param('token') token: string, @Res() reply: FastifyReply): Promise<void> {
    const { customerId } = this.addresses.open(token);
    await this.reload.pause(customerId);
    await this.back(reply, token, 'reload-paused');
  }

  @Post('resume')
  async resume(@Param('token') token: string, @Res() reply: FastifyReply): Promise<void> {
    const { customerId } = this.addresses.open(token);
    await this.reload.resume(customerId);
    await this.back(reply, token, 'reload-resumed');
  }

  /** Loading the page again does not send the form again. */
  private async back(reply: FastifyReply, token: string, done: Done): Promise<void> {
    await reply.headers(FRAME_HEADERS).redirect(this.addresses.pathOf(token, done), 303);
  }
}
