import { Catch } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BillingError } from '../common/billing-error';
import { ProblemFilter } from '../common/problem.filter';
import { FRAME_HEADERS, noticePage } from '../topups/page-frame';

/** A person asked: what went wrong is said on a page. */
@Catch()
export class ReportPageFilter extends ProblemFilter {
  protected override send(request: FastifyRequest, reply: FastifyReply, error: BillingError): void {
    const { status, title, detail, hint, headers } = error;
    void reply
      .status(status)
      .headers({ ...headers, ...FRAME_HEADERS, 'x-request-id': request.id })
      .send(noticePage({ title, sentences: hint === undefined ? [detail] : [detail, hint] }));
  }
}
