import { Inject, Injectable } from '@nestjs/common';
import { newId } from '../../common/id';
import { ENDPOINTS, type Endpoint, type Model } from '../../pricing/model';
import type { Price } from '../../pricing/price';
import { PricingService } from '../../pricing/pricing.service';
import type { PaymentRequirements, PaymentScheme, Work } from '../payment-scheme';
import { PAYMENT_SCHEMES } from '../payment-schemes.service';
import { type EndpointExample, exampleFor } from './endpoint-example';

/** One path that is sold, in the shape of x402's `bazaar`. */
export interface CatalogueItem {
  readonly resource: string;
  readonly type: 'http';
  readonly x402Version: 2;
  readonly description: string;
  readonly mimeType: string;
  /** When one of its prices changed last, ISO 8601. */
  readonly lastUpdated: string;
  /** What its example costs at most. A call's own 402 is what counts. */
  readonly accepts: readonly PaymentRequirements[];
  readonly extensions: { readonly bazaar: unknown };
  /** Every model that answers there. Their prices are at `/v1/models`. */
  readonly metadata: { readonly models: readonly string[] };
}

/** What is sold here, by path. */
@Injectable()
export class Catalogue {
  constructor(
    private readonly pricing: PricingService,
    @Inject(PAYMENT_SCHEMES) private readonly schemes: readonly PaymentScheme[],
  ) {}

  /** @param origin Under which callers reach this server. */
  async items(origin: string): Promise<CatalogueItem[]> {
    const offered = this.pricing.offered();
    const items = ENDPOINTS.map(async (endpoint) => {
      const sold = offered.filter(({ model }) => model.endpoints.includes(endpoint));
      return sold.length === 0 ? [] : [await this.itemOf(`${origin}${endpoint}`, endpoint, sold)];
    });
    return (await Promise.all(items)).flat();
  }

  /** How a path is used: the value of the extension `bazaar`. */
  async usageOf(endpoint: Endpoint, model: Model): Promise<unknown> {
    return declarationOf(exampleFor(endpoint, model));
  }

  private async itemOf(resource: string, endpoint: Endpoint, sold: readonly Offer[]): Promise<CatalogueItem> {
    const [{ model }] = sold as [Offer];
    const example = exampleFor(endpoint, model);
    const work: Work = {
      callId: newId(),
      quote: this.pricing.quote(model, example.estimate),
      resource: { url: resource, description: `${model.id} inference`, mimeType: 'application/json' },
      model: model.id,
      stream: false,
      fingerprint: '',
      idempotencyKey: undefined,
      headers: {},
    };
    const changed = Math.max(...sold.map(({ price }) => price.effectiveFrom.getTime()));
    return {
      resource,
      type: 'http',
      x402Version: 2,
      description: `Inference at ${endpoint}, priced by use: the amounts are for the example.`,
      mimeType: 'application/json',
      lastUpdated: new Date(changed).toISOString(),
      accepts: this.schemes.flatMap((scheme) => scheme.requirements(work)),
      extensions: { bazaar: await declarationOf(example) },
      metadata: { models: sold.map((offer) => offer.model.id) },
    };
  }
}

interface Offer {
  readonly model: Model;
  readonly price: Price;
}

/** The package is loaded when it is first used: it brings a JSON Schema validator along. */
async function declarationOf({ input, inputSchema, output }: EndpointExample): Promise<unknown> {
  const { declareDiscoveryExtension } = await import('@x402/extensions/bazaar');
  // The package's own server fills the method in, so that its type has none.
  const call = { method: 'POST', bodyType: 'json' as const, input, inputSchema, output: { example: output } };
  return declareDiscoveryExtension(call)['bazaar'];
}
