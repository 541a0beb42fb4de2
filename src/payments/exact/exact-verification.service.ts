import { Injectable, Logger } from '@nestjs/common';
import type { Hex } from 'viem';
import { CustomersService } from '../../customers/customers.service';
import { DatabaseService } from '../../database/database.service';
import { payerState } from '../../evm/read-many';
import { isSignedBy, recoverSigner } from '../../evm/signature';
import { transferDigest } from '../../evm/typed-digest';
import { NetworksService } from '../chain/networks.service';
import type { PaymentRequirements } from '../payment-scheme';
import { chainUnavailable, type Refusal } from '../refusal';
import { ExactFacilitator } from './exact-facilitator.service';
import { HostedFacilitators } from './hosted-facilitators.client';
import { type ExactPayment, refusedPayment, toVersion2 } from './exact-payment';

export type Verification = GoodPayment | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface GoodPayment {
  readonly kind: 'good';
  /** The payer is a contract, whose own code judges the signature. */
  readonly byContract: boolean;
  /** The hosted facilitator that judged it, and settles it. */
  readonly facilitator?: string;
  /** What the payer was seen to have, in atoms; `undefined` where somebody else judged the payment. */
  readonly balance: bigint | undefined;
}

/** An authorization must outlast the next blocks (`@x402/evm`, exact facilitator). */
const LEAST_SECONDS_LEFT = 6n;
/** Wallets whose customer is remembered. */
const MOST_CUSTOMERS = 100_000;

/**
 * Judges a payment: its signature here, its payer's balance and nonce by one question to the chain. Contract wallets,
 * and everything where a hosted facilitator settles, are judged by the facilitator.
 */
@Injectable()
export class ExactVerification {
  private readonly logger = new Logger('ExactVerification');
  private readonly customerIds = new Map<string, string>();

  constructor(
    private readonly database: DatabaseService,
    private readonly networks: NetworksService,
    private readonly facilitator: ExactFacilitator,
    private readonly hosted: HostedFacilitators,
    private readonly customers: CustomersService,
  ) {}

  /** Whether the payment is good, else why not, by the reasons of `@x402/evm`. */
  async verify(payment: ExactPayment, required: PaymentRequirements): Promise<Verification> {
    // Whoever judges it: what cannot be looked up afterwards is not begun.
    if (this.networks.isAway(required.network)) return { kind: 'refused', refusal: chainUnavailable };
    try {
      if (this.hosted.settleOn(required.network)) return await this.askHosted(payment, required);
      return (await this.verifyHere(payment, required)) ?? (await this.ask(payment, required));
    } catch (error) {
      this.logger.warn(`A payment cannot be verified: ${String(error).split('\n')[0]}`);
      return { kind: 'refused', refusal: chainUnavailable };
    }
  }

  /** Whether the payer signed it, whatever else is wrong with it. @throws when the node does not answer. */
  async isSigned({ accepted, authorization, signature }: ExactPayment): Promise<boolean> {
    const network = this.networks.find(accepted.network) ?? this.networks.primary;
    const token = { ...network.config.asset, chainId: network.chainId };
    return isSignedBy(network.reader, authorization.from, transferDigest(token, authorization), signature);
  }

  /** `undefined` for a payer that is not judged by its key. */
  private async verifyHere(payment: ExactPayment, required: PaymentRequirements): Promise<Verification | undefined> {
    const { authorization, signature } = payment;
    const network = this.networks.of(required.network);
    const token = { ...network.config.asset, chainId: network.chainId };
    const { from, nonce } = authorization;
    if (recoverSigner(transferDigest(token, authorization), signature) !== from) return undefined;
    const now = BigInt(Math.floor(Date.now() / 1000));
    if (BigInt(authorization.validBefore) < now + LEAST_SECONDS_LEFT) return refused(`${AUTHORIZATION}_valid_before`);
    if (BigInt(authorization.validAfter) > now) return refused(`${AUTHORIZATION}_valid_after`);
    const asked = { token: required.asset as Hex, payer: from, nonce3009: nonce };
    const state = await payerState(network.reader, asked);
    if (state.hasCode) return undefined;
    if (state.used) return refused('invalid_exact_evm_nonce_already_used');
    if (state.balance < BigInt(authorization.value)) return refused('invalid_exact_evm_insufficient_balance');
    return { kind: 'good', byContract: false, balance: state.balance };
  }

  private async ask(payment: ExactPayment, required: PaymentRequirements): Promise<Verification> {
    const { isValid, invalidReason } = await this.facilitator.verify(toVersion2(payment, required), required);
    return isValid ? { kind: 'good', byContract: true, balance: undefined } : refused(invalidReason);
  }

  private async askHosted(payment: ExactPayment, required: PaymentRequirements): Promise<Verification> {
    const { verdict, url } = await this.hosted.verify(toVersion2(payment, required), required);
    if (!verdict.isValid) return refused(verdict.invalidReason);
    return { kind: 'good', byContract: true, balance: undefined, facilitator: url };
  }

  /** The wallet's customer id: made when it is seen for the first time. */
  async customerOf(wallet: string): Promise<string> {
    const known = this.customerIds.get(wallet);
    if (known !== undefined) return known;
    const { id } = await this.customers.forWallet(this.database, wallet);
    if (this.customerIds.size >= MOST_CUSTOMERS) this.customerIds.clear();
    this.customerIds.set(wallet, id);
    return id;
  }
}

const AUTHORIZATION = 'invalid_exact_evm_payload_authorization';
const UNREACHABLE = 'unexpected_verify_error';

const refused = (code: string = UNREACHABLE): Verification => ({
  kind: 'refused',
  refusal: code === UNREACHABLE ? chainUnavailable : refusedPayment(code),
});
