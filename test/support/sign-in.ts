import { createSIWxPayload, encodeSIWxHeader } from '@x402/extensions/sign-in-with-x';
import type { Hex } from 'viem';

/** Whoever can sign a text in the name of an address. */
export interface SigningWallet {
  readonly address: Hex;
  signMessage(args: { message: string }): Promise<Hex>;
}

/** What stands under `sign-in-with-x` in a 402. */
export interface Challenge {
  readonly info: Readonly<Record<string, unknown>>;
  readonly supportedChains: readonly { readonly chainId: string }[];
}

export function challengeOf(response: Response): Challenge {
  const required = JSON.parse(Buffer.from(response.headers.get('payment-required') ?? '', 'base64').toString());
  return required.extensions['sign-in-with-x'];
}

/** The header that the published package makes of a challenge; `change` is signed with it. */
export async function signChallenge(
  wallet: SigningWallet,
  { info, supportedChains }: Challenge,
  change: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, string>> {
  const challenge = { ...info, ...supportedChains[0], ...change } as Parameters<typeof createSIWxPayload>[0];
  const payload = await createSIWxPayload(challenge, wallet, `http://${challenge.domain}`);
  return { 'sign-in-with-x': encodeSIWxHeader(payload) };
}
