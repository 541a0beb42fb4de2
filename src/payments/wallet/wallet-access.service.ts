import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { BillingError } from '../../common/billing-error';
import { ClaimsService } from '../claims.service';
import { PaymentRequiredError } from '../payment-required';
import type { RequestHeaders } from '../payment-scheme';
import type { Refusal } from '../refusal';
import { findSignIn, nonceUsed, type SignIn } from './sign-in';
import { nonceKey, SignIns } from './sign-ins.service';

/** A request that only its wallet may make. */
export interface WalletRequest {
  /** A UUIDv7. */
  readonly id: string;
  readonly method: 'GET' | 'POST';
  /** Without a query. */
  readonly url: string;
  readonly headers: RequestHeaders;
}

/** Lets a wallet in by its sign-in, each nonce once: the 402 that it gets before carries the challenge. */
@Injectable()
export class WalletAccess {
  constructor(
    private readonly signIns: SignIns,
    private readonly claims: ClaimsService,
  ) {}

  /**
   * The signed message of the wallet, whose nonce is claimed now.
   * @throws PaymentRequiredError with a challenge and nothing to pay, when there is no sign-in or it is not good;
   * BillingError `invalid_siwx_header`, `chain_unavailable`, `wallets_unavailable`.
   */
  async enter(request: WalletRequest): Promise<SignIn> {
    if (!this.signIns.offered) throw unavailable();
    const signIn = findSignIn(request.headers);
    if (signIn === undefined) throw this.challenge(request.url, SIGN_IN);
    if ('code' in signIn) throw this.refused(signIn, request.url);
    const fault = await this.signIns.faultOf(signIn, request.url);
    if (fault) throw this.refused(fault, request.url);
    const bound = createHash('sha256').update(`${request.method} ${new URL(request.url).pathname}\n${request.id}`);
    const claim = await this.claims.take({
      key: nonceKey(signIn),
      scheme: 'wallet-access',
      fingerprint: bound.digest('base64url'),
      callId: request.id,
      customerId: (await this.signIns.customerOf(signIn.address)) ?? null,
      payment: null,
      validBefore: null,
      despiteDebt: true,
    });
    if (typeof claim === 'string') throw this.refused(nonceUsed, request.url);
    await this.claims.move(claim.key, claim.callId, 'settled');
    return signIn;
  }

  private refused(refusal: Refusal, url: string): BillingError {
    if (refusal.status === 402) return this.challenge(url, refusal);
    const { status, code, detail, hint, retryAfter } = refusal;
    const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
    return new BillingError({ status, code, detail, hint, title: 'The sign-in cannot be accepted', headers });
  }

  /** As the published client knows it: nothing to pay, a challenge to sign. */
  private challenge(url: string, refusal: Refusal): PaymentRequiredError {
    const resource = { url, description: 'The balance of a wallet', mimeType: 'application/json' };
    const extensions = { 'sign-in-with-x': this.signIns.declarationFor(url) };
    return new PaymentRequiredError({ resource }, [], topUpUrlAt(url), refusal, {
      extensions,
      members: { extensions },
    });
  }
}

const topUpUrlAt = (url: string): string => new URL('/v1/topups/usdc', url).toString();

const SIGN_IN: Refusal = {
  status: 402,
  code: 'sign_in_required',
  detail: 'Only the wallet itself may ask this.',
  hint: 'Sign the challenge in extensions["sign-in-with-x"] and send it as SIGN-IN-WITH-X.',
};

const unavailable = (): BillingError =>
  new BillingError({
    code: 'wallets_unavailable',
    status: 501,
    title: 'Not configured',
    detail: 'This server does not take USDC, so no wallet has a balance here.',
    hint: 'Prepaid credit is at GET /v1/balance, with an API key.',
  });
