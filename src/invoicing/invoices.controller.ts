import { Controller, Get, Headers, Param, Query, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { prefersHtml } from '../common/accepted-type';
import { PAGE_HEADERS } from '../common/page';
import { parseInstant } from '../common/period';
import { ApiProblems } from '../common/problem.dto';
import { type Caller, visibleCustomer } from '../customers/access';
import { AccessGuard, CurrentCaller } from '../customers/access.guard';
import { serializeInvoice } from './invoice';
import { InvoiceDto, InvoicePageDto, InvoiceQueryDto } from './invoice.dto';
import { renderInvoicePage } from './invoice-page';
import { InvoicesService } from './invoices.service';

const PRIVATE = { 'cache-control': 'private, no-store' };

/** The invoice of each call, for programs and for people. */
@ApiTags('invoices')
@Controller('v1/invoices')
export class InvoicesController {
  constructor(private readonly invoices: InvoicesService) {}

  @Get()
  @UseGuards(AccessGuard)
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Invoices, newest first', operationId: 'listInvoices' })
  @ApiOkResponse({ type: InvoicePageDto })
  @ApiProblems(400, 401, 403)
  async list(
    @CurrentCaller() caller: Caller,
    @Query() query: InvoiceQueryDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Record<string, unknown>> {
    const filter = {
      customerId: visibleCustomer(caller, query.customerId),
      model: query.model,
      from: query.from === undefined ? undefined : parseInstant(query.from, 'from'),
      to: query.to === undefined ? undefined : parseInstant(query.to, 'to'),
    };
    const page = await this.invoices.list(filter, query.limit, query.after);
    void reply.headers(PRIVATE);
    return { data: page.invoices.map(serializeInvoice), next: page.next };
  }

  /** Public: the id is 160 random bits that only the payer was given. */
  @Get(':id')
  @ApiOperation({
    summary: 'One invoice; with Accept: text/html, a page to print',
    operationId: 'getInvoice',
    security: [],
  })
  @ApiParam({ name: 'id', description: 'From the response header x-tollbridge-invoice' })
  @ApiOkResponse({
    description: 'The invoice',
    content: {
      'application/json': { schema: { $ref: getSchemaPath(InvoiceDto) } },
      'text/html': { schema: { type: 'string' } },
    },
  })
  @ApiProblems(404)
  async get(
    @Param('id') id: string,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Record<string, unknown> | string> {
    const invoice = await this.invoices.get(id);
    void reply.headers({ ...PRIVATE, vary: 'accept', 'x-robots-tag': 'noindex, nofollow' });
    if (!prefersHtml(accept)) return serializeInvoice(invoice);
    void reply.headers(PAGE_HEADERS).type('text/html; charset=utf-8');
    return renderInvoicePage(invoice);
  }
}
