import type {
  PaymentPayloadResult,
  PaymentRequirements,
  SchemeClientHooks,
  SchemeNetworkClient,
} from '@x402/core/types';

export interface CreditBundleOptions {
  /** The customer whose prepaid credit pays. */
  readonly bundleId: string;
  /** An API key of that customer, with the scope `inference`. It is sent to allowed authorities alone. */
  readonly apiKey: string;
  /** Origins of the authorities that may be given the key: a 402 that names another one is not paid. */
  readonly authorities: readonly string[];
  readonly fetch?: typeof fetch;
}

/** The authority did not sign. `code` is its reason, such as `insufficient_credits`. */
export class CreditBundleError extends Error {
  constructor(
    readonly code: string,
    detail: string,
  ) {
    super(detail);
    this.name = 'CreditBundleError';
  }
}

/**
 * Pays x402 `batch-settlement` requirements from prepaid credit (draft `credit` binding), in any x402 v2 client:
 * `schemes: [{ network: 'tollbridge:credit', client: new CreditBundleScheme({ … }) }]`.
 */
export class CreditBundleScheme implements SchemeNetworkClient {
  readonly scheme = 'batch-settlement';
  /** Only here a client names the resource that is paid for. */
  readonly schemeHooks: SchemeClientHooks = {
    onBeforePaymentCreation: async ({ paymentRequired, selectedRequirements }) => {
      this.resources.set(selectedRequirements, paymentRequired.resource.url);
    },
  };
  private readonly resources = new WeakMap<PaymentRequirements, string>();
  private readonly authorities: ReadonlySet<string>;

  constructor(private readonly options: CreditBundleOptions) {
    this.authorities = new Set(options.authorities.map((url) => new URL(url).origin));
  }

  /** US dollars count in cents, so that a client's spending limits in dollars apply. */
  findDefaultAsset(asset: string) {
    return asset === 'USD' ? { asset, decimals: 2, symbol: 'USD', name: 'US Dollar', version: '1' } : undefined;
  }

  /** @throws CreditBundleError `authority_not_allowed`, `resource_unknown`, or the authority's own code. */
  async createPaymentPayload(x402Version: number, requirements: PaymentRequirements): Promise<PaymentPayloadResult> {
    const { authority } = requirements.extra;
    if (typeof authority !== 'string' || !this.authorities.has(authority)) {
      throw new CreditBundleError('authority_not_allowed', `The authority ${String(authority)} is not allowed.`);
    }
    const resource = this.resources.get(requirements);
    if (resource === undefined) throw new CreditBundleError('resource_unknown', 'The 402 does not name its resource.');
    const attestation = await this.authorize(authority, {
      bundleId: this.options.bundleId,
      amount: requirements.amount,
      asset: requirements.asset,
      resource,
      idempotencyKey: crypto.randomUUID(),
    });
    return { x402Version, payload: { type: 'consume', attestation } };
  }

  /** Asked again when the answer is lost: with the same idempotency key, so that credit is held once. */
  private async authorize(authority: string, request: Readonly<Record<string, string>>): Promise<string> {
    const send = () =>
      (this.options.fetch ?? fetch)(`${authority}/authorize`, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.options.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(request),
        redirect: 'error',
      });
    const response = await send().catch(send);
    const answer = (await response.json().catch(() => ({}))) as Partial<Record<string, unknown>>;
    const { attestation, code, detail } = answer;
    if (response.ok && typeof attestation === 'string') return attestation;
    throw new CreditBundleError(
      typeof code === 'string' ? code : 'authority_failed',
      typeof detail === 'string' ? detail : `The authority answered ${response.status}.`,
    );
  }
}
