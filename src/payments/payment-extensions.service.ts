import { Inject, Injectable, Logger } from '@nestjs/common';
import type { PaymentExtension, PaymentResponse, SettledCall } from './payment-extension';
import { base64 } from './payment-required';
import type { PaymentRequirements, Work } from './payment-scheme';

/** Injection token of every x402 extension there is. */
export const PAYMENT_EXTENSIONS = Symbol('PAYMENT_EXTENSIONS');

/** Has every extension say its part, in a 402 and in the answer to a payment. */
@Injectable()
export class PaymentExtensions {
  private readonly logger = new Logger('PaymentExtensions');
  private readonly withReceipts: readonly PaymentExtension[];

  constructor(@Inject(PAYMENT_EXTENSIONS) private readonly extensions: readonly PaymentExtension[]) {
    this.withReceipts = extensions.filter((extension) => 'receipt' in extension);
  }

  /** The `extensions` of a 402, by key. */
  async declarations(work: Work, accepts: readonly PaymentRequirements[]): Promise<Record<string, unknown>> {
    return this.ask(this.extensions, (extension) => extension.declare(work, accepts));
  }

  /** The headers of an answer, with `extensions` in its `PAYMENT-RESPONSE` where it has one. Never throws: it is paid. */
  async withReceiptsIn(
    headers: Readonly<Record<string, string>>,
    settled: SettledCall,
  ): Promise<Readonly<Record<string, string>>> {
    const response = headers['payment-response'];
    if (response === undefined || this.withReceipts.length === 0) return headers;
    const body = JSON.parse(Buffer.from(response, 'base64').toString()) as PaymentResponse;
    const extensions = await this.ask(this.withReceipts, (extension) => extension.receipt?.(settled, body));
    if (Object.keys(extensions).length === 0) return headers;
    return { ...headers, 'payment-response': base64({ ...body, extensions }) };
  }

  private async ask(
    extensions: readonly PaymentExtension[],
    question: (extension: PaymentExtension) => unknown,
  ): Promise<Record<string, unknown>> {
    const answers = await Promise.all(
      extensions.map(async (extension) => [extension.key, await question(extension)] as const),
    );
    return Object.fromEntries(answers.filter(([, answer]) => answer !== undefined));
  }
}
