import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import type { PaymentExtension } from '../payment-extension';
import { PAYMENT_IDENTIFIER } from './payment-identifier';

/** Says in a 402 that payments may have names. Without its schema, which no client asks for: a header is small. */
@Injectable()
export class PaymentIdentifierExtension implements PaymentExtension {
  readonly key = PAYMENT_IDENTIFIER;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  declare(): unknown {
    return this.config.x402?.extensions.includes(this.key) ? { info: { required: false } } : undefined;
  }
}
