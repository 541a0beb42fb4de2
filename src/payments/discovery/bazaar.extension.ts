import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { ENDPOINTS } from '../../pricing/model';
import { PricingService } from '../../pricing/pricing.service';
import type { PaymentExtension } from '../payment-extension';
import type { Work } from '../payment-scheme';
import { Catalogue } from './catalogue.service';

/** x402 `bazaar`: tells in the 402 how the path is used, so that a facilitator can list it. More than a kilobyte. */
@Injectable()
export class BazaarExtension implements PaymentExtension {
  readonly key = 'bazaar';
  private readonly isOn: boolean;

  constructor(
    @Inject(CONFIG) { x402 }: Config,
    private readonly pricing: PricingService,
    private readonly catalogue: Catalogue,
  ) {
    this.isOn = x402?.extensions.includes('bazaar') ?? false;
  }

  declare({ resource, model: id }: Work): unknown {
    if (!this.isOn) return undefined;
    const endpoint = ENDPOINTS.find((path) => resource.url.endsWith(path));
    const offer = this.pricing.offered().find(({ model }) => model.id === id);
    return endpoint && offer && this.catalogue.usageOf(endpoint, offer.model);
  }
}
