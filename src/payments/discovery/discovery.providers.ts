import type { PaymentsPart } from '../payments-part.providers';
import { BazaarExtension } from './bazaar.extension';
import { Catalogue } from './catalogue.service';
import { DiscoveryController } from './discovery.controller';

/** What is sold here, for catalogues of x402 resources. */
export const DISCOVERY: PaymentsPart = {
  extensions: [BazaarExtension],
  providers: [Catalogue],
  controllers: [DiscoveryController],
};
