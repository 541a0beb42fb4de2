import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BillingError, NotFoundError } from '../../common/billing-error';
import { usd } from '../../common/money';
import { ProblemDto } from '../../common/problem.dto';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import type { KeptAnswer } from '../claim';
import { PaymentRequiredError } from '../payment-required';
import type { RequestHeaders } from '../payment-scheme';
import type { Refusal } from '../refusal';
import type { ChannelPayment } from './channel-payment';
import { ChannelRefunds } from './channel-refunds.service';
import { ChannelsScheme } from './channels.scheme';

/** Cooperative refunds: stock clients send a GET to the route that the channel pays for. */
@ApiTags('channels')
@Controller('v1')
export class ChannelRefundsController {
  constructor(
    private readonly scheme: ChannelsScheme,
    private readonly refunds: ChannelRefunds,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get(['channels', 'chat/completions', 'completions', 'embeddings', 'images/generations'])
  @ApiOperation({ summary: 'Get back what is left in a payment channel (x402 batch-settlement)' })
  @ApiOkResponse({ description: 'What went back, and in which transaction: PAYMENT-RESPONSE.' })
  @ApiResponse({ status: 402, type: ProblemDto, description: 'The terms of the channel, or why nothing went back.' })
  @ApiResponse({ status: 404, type: ProblemDto, description: 'Channels are not offered here.' })
  async refund(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const [path = ''] = request.url.split('?');
    const origin = this.config.http.publicUrl ?? `${request.protocol}://${request.host}`;
    const answer = await this.answer(request.headers, origin, path);
    void reply.status(answer.status).headers(answer.headers).header('x-request-id', request.id).send(answer.body);
  }

  private async answer(headers: RequestHeaders, origin: string, path: string): Promise<KeptAnswer> {
    const rows = this.scheme.rows(usd(0n));
    if (rows.length === 0) throw new NotFoundError({ what: 'route', id: path });
    const resource = { url: origin + path, description: 'A payment channel', mimeType: 'application/json' };
    const refused = (refusal?: Refusal) =>
      refusal === undefined || refusal.status === 402
        ? new PaymentRequiredError({ resource }, rows, `${origin}/v1/topups`, refusal)
        : problemOf(refusal);
    const payment = this.scheme.find(headers);
    if (!payment) throw refused();
    if ('refusal' in payment) throw refused(payment.refusal as Refusal);
    const given = payment as ChannelPayment;
    const required = rows.find(({ network }) => network === given.accepted.network);
    if (!given.refund || !required) throw refused();
    const outcome = await this.refunds.answer(given, required);
    if (outcome.kind === 'answered') return outcome.answer;
    throw refused(outcome.kind === 'refused' ? outcome.refusal : undefined);
  }
}

const problemOf = ({ code, status, detail, hint, retryAfter }: Refusal): BillingError =>
  new BillingError({
    code,
    status,
    title: 'The refund is not finished',
    detail,
    hint,
    headers: retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
  });
