import { Catch } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BillingError } from '../../common/billing-error';
import { ProblemFilter } from '../../common/problem.filter';
import { PageLinkError } from '../../customers/page-links.service';
import { FRAME_HEADERS, noticePage } from '../page-frame';

/** A person asked: what went wrong is said on a page. */
@Catch()
export class BillingPageFilter extends ProblemFilter {
  protected override send(request: FastifyRequest, reply: FastifyReply, error: BillingError): void {
    const { title, detail, hint } = error;
    const page = noticePage({
      title,
      sentences: [detail, ...(hint === undefined ? [] : [hint])],
      // What was asked for is below the page's own address.
      next: error instanceof PageLinkError ? undefined : { href: addressOf(request), words: 'Back to billing' },
    });
    void reply
      .status(error.status)
      .headers({ ...error.headers, ...FRAME_HEADERS, 'x-request-id': request.id })
      .send(page);
  }
}

const addressOf = ({ url }: FastifyRequest): string => /^.*?\/billing\/[^/?#]*/.exec(url)?.[0] ?? '/';
