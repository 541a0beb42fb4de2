import { Inject, Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { CustomersService } from '../../customers/customers.service';
import { DatabaseService } from '../../database/database.service';
import { LedgerService } from '../../ledger/ledger.service';
import { CLAIMABLE, type Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import type { HoldOutcome, Work } from '../payment-scheme';
import { answerNotKept, inProgress, type Refusal } from '../refusal';
import { walletHold } from '../wallet-hold';
import type { CheckedProof } from './proof-check.service';
import type { ProofOfPayment } from './proof-of-payment';
import { TransferBooks, type TransferCandidate } from './transfer-books.service';
import type { FoundTransfer } from './transfer-finder.service';
import { answerOf, headersOf, type TransferClaim, type TransferHold } from './transfer-hold';
import { walletProviderOf } from './transfer-instructions';
import { beingRead, creditSpent, type FailedProof, TRANSFER_REFUSALS } from './transfer-refusals';

/** How long a copy of a proof waits for the first one's answer. */
const WAIT_MS = 30_000;
/** By how much a block's clock may lag behind ours. */
const CLOCK_SECONDS = 15;

/** Decides whether a checked transfer has its work done: one transfer, one piece of work, however often it is shown. */
@Injectable()
export class TransferAdmission {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: DatabaseService,
    private readonly customers: CustomersService,
    private readonly claims: ClaimsService,
    private readonly ledger: LedgerService,
    private readonly books: TransferBooks,
  ) {}

  async admit(proof: ProofOfPayment, checked: CheckedProof, work: Work): Promise<HoldOutcome> {
    const candidates = await this.candidates(proof, checked);
    const mine = candidates.find(({ claim }) => claim?.fingerprint === work.fingerprint);
    if (mine?.claim) return this.again(mine.claim, this.termsOf(proof, checked, mine.transfer), work);
    const unclaimed = candidates.filter(({ claim }) => claim === undefined);
    const free = unclaimed.filter(({ standing }) => !NOT_TO_BE_HAD.includes(standing));
    if (free.length === 0) return refused(whyNotFree(unclaimed));
    if (checked.minedAt < checked.reference.issuedAt - CLOCK_SECONDS) return refused(TRANSFER_REFUSALS.tooOld);
    for (const { key, transfer } of free) {
      const outcome = await this.claim(key, this.termsOf(proof, checked, transfer), work);
      if (outcome) return outcome;
    }
    return refused(TRANSFER_REFUSALS.alreadyUsed);
  }

  /** Every transfer of the transaction with its claim: those that are enough stand first. */
  private candidates(proof: ProofOfPayment, { payTo, transfers, reference }: CheckedProof) {
    const enough = ({ atoms }: FoundTransfer) => atoms >= reference.atoms;
    const ordered = [...transfers.filter(enough), ...transfers.filter((transfer) => !enough(transfer))];
    return this.books.standings(proof, payTo, ordered);
  }

  private termsOf(proof: ProofOfPayment, checked: CheckedProof, transfer: FoundTransfer): TransferClaim {
    const { reference } = checked;
    const expired = Date.now() / 1000 > reference.expiresAt;
    return {
      network: proof.network,
      payTo: checked.payTo,
      transaction: proof.transaction,
      payer: proof.payer,
      value: transfer.atoms.toString(),
      alike: checked.transfers.filter(({ atoms }) => atoms === transfer.atoms).length,
      due: reference.atoms.toString(),
      refused: transfer.atoms < reference.atoms ? 'underpaid' : expired ? 'expired' : null,
    };
  }

  /** The same transfer for the same request: it is followed, or tried again when its work failed before. */
  private async again(first: Claim, terms: TransferClaim, work: Work): Promise<HoldOutcome> {
    if (!CLAIMABLE.includes(first.state)) return this.follow(first);
    const { due } = first.payment as TransferClaim;
    // What was due then is held. A later reference that asks for more is not met by it.
    const refused = terms.refused ?? (BigInt(terms.due) > BigInt(due) ? 'underpaid' : null);
    return (await this.claim(first.key, { ...terms, due, refused }, work)) ?? this.follow(first);
  }

  /** `undefined` when the transfer was claimed for another request meanwhile. */
  private async claim(key: string, terms: TransferClaim, work: Work): Promise<HoldOutcome | undefined> {
    const customerId = (await this.customers.forWallet(this.database, terms.payer)).id;
    const taken = await this.claims.take({
      key,
      scheme: 'transfer-proof',
      fingerprint: work.fingerprint,
      callId: work.callId,
      customerId,
      payment: terms,
      validBefore: null,
      despiteDebt: true,
    });
    if (typeof taken === 'string') {
      const first = await this.claims.find(key);
      return first?.fingerprint === work.fingerprint ? this.follow(first) : undefined;
    }
    try {
      const outcome = await this.books.credit(key, customerId, terms);
      if (outcome === 'being_read') return await this.letGo(taken);
      const refusal = outcome === 'credited' ? terms.refused : outcome;
      if (refusal !== null) return await this.fail(taken, refusal);
      return await this.holdCredit(key, customerId, terms, work);
    } catch (error) {
      // Recovery puts it on the books: this process must not keep the claim alive.
      this.claims.leave(key, work.callId);
      throw error;
    }
  }

  /** Nothing was written: the very same proof is asked for again. */
  private async letGo({ key, callId }: Claim): Promise<HoldOutcome> {
    await this.claims.move(key, callId, 'released');
    return refused(beingRead);
  }

  /** It does not pay for this request, and nobody else can show it: it is its wallet's credit, or was given away. */
  private async fail(claim: Claim, reason: FailedProof): Promise<HoldOutcome> {
    await this.claims.move(claim.key, claim.callId, 'settling');
    await this.claims.move(claim.key, claim.callId, 'failed', { reason });
    return refused(TRANSFER_REFUSALS[reason]);
  }

  private async holdCredit(
    claimKey: string,
    customerId: string,
    transfer: TransferClaim,
    work: Work,
  ): Promise<HoldOutcome> {
    const walletProvider = walletProviderOf(work.headers);
    const hold: TransferHold = {
      callId: work.callId,
      scheme: 'transfer-proof',
      customerId,
      apiKeyId: null,
      payer: transfer.payer,
      amount: usdc(BigInt(transfer.due)),
      capped: true,
      claimKey,
      headers: headersOf(transfer),
      ...(walletProvider === undefined ? {} : { hints: { walletProvider } }),
      transfer,
    };
    const until = new Date(Date.now() + this.config.holdTtlSeconds * 1000);
    const { verdict } = await this.ledger.hold(walletHold(hold), until);
    if (verdict === 'held' || verdict === 'replayed') return { kind: 'held', hold };
    await this.claims.move(claimKey, work.callId, 'paid');
    return refused(creditSpent);
  }

  private async follow(first: Claim): Promise<HoldOutcome> {
    const claim = (await this.claims.settled(first.key, WAIT_MS)) ?? first;
    if (claim.state === 'failed') return refused(TRANSFER_REFUSALS[claim.reason as FailedProof]);
    if (claim.state !== 'settled') return refused(inProgress);
    const answer = answerOf(claim);
    return answer ? { kind: 'replay', answer } : refused(answerNotKept);
  }
}

const NOT_TO_BE_HAD: readonly TransferCandidate['standing'][] = ['attributed', 'being_read'];

function whyNotFree(unclaimed: readonly TransferCandidate[]): Refusal {
  if (unclaimed.some(({ standing }) => standing === 'being_read')) return beingRead;
  return TRANSFER_REFUSALS[unclaimed.length > 0 ? 'attributed' : 'alreadyUsed'];
}

const refused = (refusal: Refusal): HoldOutcome => ({ kind: 'refused', refusal });
