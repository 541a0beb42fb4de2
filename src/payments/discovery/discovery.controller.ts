import { Controller, Get, Header, Inject, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiProblems } from '../../common/problem.dto';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { Catalogue, type CatalogueItem } from './catalogue.service';
import { DiscoveryQueryDto } from './discovery.dto';

/** x402's `bazaar`, for what this server itself sells: also where clients of our facilitator look for it. */
@ApiTags('facilitator')
@Controller()
export class DiscoveryController {
  constructor(
    private readonly catalogue: Catalogue,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get(['discovery/resources', 'facilitator/discovery/resources'])
  @Header('cache-control', 'public, max-age=60')
  @ApiOperation({ summary: 'What is sold here, and how it is paid for' })
  @ApiOkResponse({ description: 'x402 `DiscoveryResourcesResponse`.' })
  @ApiProblems(400)
  async list(@Query() query: DiscoveryQueryDto, @Req() request: FastifyRequest) {
    const origin = this.config.http.publicUrl ?? `${request.protocol}://${request.host}`;
    const found = (await this.catalogue.items(origin)).filter((item) => matches(item, query));
    const { limit, offset } = query;
    return {
      x402Version: 2,
      items: found.slice(offset, offset + limit),
      pagination: { limit, offset, total: found.length },
    };
  }
}

/** One row of `accepts` must have all that was asked for. */
function matches(item: CatalogueItem, { type, payTo, scheme, network, extensions }: DiscoveryQueryDto): boolean {
  return (
    (type ?? item.type) === item.type &&
    (extensions === undefined || extensions in item.extensions) &&
    item.accepts.some(
      (row) =>
        (scheme ?? row.scheme) === row.scheme &&
        (network ?? row.network) === row.network &&
        (payTo ?? row.payTo).toLowerCase() === row.payTo.toLowerCase(),
    )
  );
}
