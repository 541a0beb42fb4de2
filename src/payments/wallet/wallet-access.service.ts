import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import { BillingError } from '../../common/billing-error';
import { ClaimsService } from '../claims.service';
import { PaymentRequiredError } from '../payment-required';
import type { RequestHeaders } from '../payment-scheme';
import type { Refusal } from '../refusal';
import { findSignIn, nonceUsed } from './sign-in';
import { nonceKey, SignIns } from './sign-ins.service';

/** A request that only its wallet may make. */
export interface WalletRequest {
  /** A UUIDv7. */
  readonly id: string;
  readonly method: 'GET' | 'POST';
  /** Without a query. */
  readonly url: string;
  readonly headers: RequestHeaders;
  /** What the request asks for: a sign-in is repeated for the same only. Left out: it is good once. */
  readonly asks?: string;
}

/** A wallet that has signed in. */
export interface Entered {
  /** In lower case. */
  readonly address: Hex;
  /** Of the request that claimed the nonce: this one's, or that of the one which it repeats. */
  readonly id: string;
}

/** Lets a wallet in by its sign-in, each nonce once: the 402 that it gets before carries the challenge. */
@Injectable()
export class WalletAccess {
  constructor(
    private readonly signIns: SignIns,
    private readonly claims: ClaimsService,
  ) {}

  /**
   * The wallet whose sign-in this is; its nonce is claimed now, or was by the same request before.
   * @throws PaymentRequiredError with a challenge and nothing to pay, when there is no sign-in or it is not good;
   * BillingError `invalid_siwx_header`, `chain_unavailable`, `wallets_unavailable`.
   */
  async enter(request: WalletRequest): Promise<Entered> {
    const { id, method, url, headers, asks = id } = request;
    if (!this.signIns.offered) throw unavailable();
    const signIn = findSignIn(headers);
    if (signIn === undefined) throw this.challenge(url, SIGN_IN);
    if ('code' in signIn) throw this.refused(signIn, url);
    const fault = await this.signIns.faultOf(signIn, url);
    if (fault) throw this.refused(fault, url);
    const bound = createHash('sha256').update(`${method} ${new URL(url).pathname}\n${asks}`);
    const claim = {
      key: nonceKey(signIn),
      scheme: 'wallet-access',
      fingerprint: bound.digest('base64url'),
      callId: id,
      customerId: null,
      payment: null,
      validBefore: null,
    };
    if (typeof (await this.claims.take(claim)) !== 'string') {
      await this.claims.move(claim.key, id, 'settled');
      return { address: signIn.address, id };
    }
    const first = await this.claims.find(claim.key);
    if (first?.fingerprint !== claim.fingerprint) throw this.refused(nonceUsed, url);
    return { address: signIn.address, id: first.callId };
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
