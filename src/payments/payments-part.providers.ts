import type { Provider, Type } from '@nestjs/common';
import type { PaymentExtension } from './payment-extension';
import type { PaymentScheme } from './payment-scheme';

/** What one folder adds to the payments module. Schemes and extensions are providers by being named here. */
export interface PaymentsPart {
  readonly schemes?: readonly Type<PaymentScheme>[];
  readonly extensions?: readonly Type<PaymentExtension>[];
  readonly providers?: readonly Provider[];
  readonly controllers?: readonly Type[];
}
