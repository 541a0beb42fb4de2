import type { PaymentPayload, PaymentRequirements } from '@x402/core/types';
import { canonicalHash } from '../../common/canonical-json';

/** A payment to somebody else's resource server, as far as it must be understood before it costs us gas. */
export interface FacilitatedPayment {
  readonly scheme: string;
  readonly network: string;
  /** Whom it pays or gives money back for, lower case: every address must be the server's own. */
  readonly payees: readonly string[];
  /** Token contracts whose code it would run, lower case. */
  readonly tokens: readonly string[];
  /** The same for every copy of what was signed. `undefined`: it may be sent again and again, as it moves what is due. */
  readonly payloadHash: string | undefined;
  /** What the server asks for it. */
  readonly termsHash: string;
  readonly payload: PaymentPayload;
  readonly requirements: PaymentRequirements;
}

/** Reads a request to `/verify` or `/settle`; `undefined` when it is not one. Signatures are not looked at. */
export function readFacilitatedPayment(
  payload: Readonly<Record<string, unknown>>,
  requirements: Readonly<Record<string, unknown>>,
): FacilitatedPayment | undefined {
  const { scheme, network, payTo, asset, amount } = requirements;
  const inner = payload['payload'];
  if (typeof scheme !== 'string' || typeof network !== 'string' || !isObject(inner)) return undefined;
  if (typeof amount !== 'string' || !/^\d{1,39}$/.test(amount) || !isObject(payload['accepted'])) return undefined;
  const channels = channelsOf(inner);
  const payees = [payTo, inner['receiver'], ...channels.map(({ receiver }) => receiver)].filter(isGiven);
  const tokens = [asset, inner['token'], ...channels.map(({ token }) => token)].filter(isGiven);
  if (![...payees, ...tokens].every(isAddress)) return undefined;
  return {
    scheme,
    network,
    payees: payees.map(lowerCase),
    tokens: tokens.map(lowerCase),
    payloadHash: inner['type'] === 'settle' ? undefined : canonicalHash({ scheme, network, inner }),
    termsHash: canonicalHash({ amount, asset, payTo }),
    payload: payload as unknown as PaymentPayload,
    requirements: requirements as unknown as PaymentRequirements,
  };
}

/** The channels that a `batch-settlement` payload names: its own, and those of the claims in it. */
function channelsOf(inner: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>[] {
  const claims = Array.isArray(inner['claims']) ? inner['claims'] : [];
  const claimed = claims.map((claim) => objectOf(objectOf(objectOf(claim)['voucher'])['channel']));
  return 'channelConfig' in inner ? [objectOf(inner['channelConfig']), ...claimed] : claimed;
}

const isGiven = (value: unknown): boolean => value !== undefined;
const isAddress = (value: unknown): value is string => typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const objectOf = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {});
const lowerCase = (value: unknown): string => String(value).toLowerCase();
