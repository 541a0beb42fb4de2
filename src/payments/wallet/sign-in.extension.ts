import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import type { PaymentExtension } from '../payment-extension';
import type { Work } from '../payment-scheme';
import { type SignInDeclaration, SignIns } from './sign-ins.service';

/**
 * The challenge in a 402 for a call (x402 extension `sign-in-with-x`). Opt-in: with it a 402 has more than the two
 * kilobytes that some intermediaries let pass.
 */
@Injectable()
export class SignInExtension implements PaymentExtension {
  readonly key = 'sign-in-with-x';

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly signIns: SignIns,
  ) {}

  declare(work: Work): SignInDeclaration | undefined {
    const switchedOn = this.config.x402?.extensions.includes(this.key);
    return switchedOn ? this.signIns.declarationFor(work.resource.url) : undefined;
  }
}
