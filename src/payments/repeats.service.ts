import { Injectable } from '@nestjs/common';
import type { Claim, KeptAnswer } from './claim';
import { Settler } from './chain/settler.service';
import { ClaimsService } from './claims.service';
import { patiently } from './patiently';
import type { HoldOutcome } from './payment-scheme';
import { answerNotKept, inDoubt, inProgress, type Refusal } from './refusal';

/** How long a copy of a payment waits for the first one's answer. */
const WAIT_MS = 30_000;

/** What a scheme says of a payment that is shown again. */
export interface RepeatTerms {
  /** It was used for another request, or comes with another signature. */
  readonly used: Refusal;
  /** Its money did not come. */
  readonly failed: (reason: string) => Refusal;
  /** The first one's answer with the headers of its settlement; `undefined` when it is not kept. */
  readonly answerTo: (claim: Claim) => KeptAnswer | undefined;
}

/** What the copies of a claimed payment get: the first one's answer, as soon as there is one, and nothing else. */
@Injectable()
export class Repeats {
  constructor(
    private readonly claims: ClaimsService,
    private readonly settler: Settler,
  ) {}

  async follow(first: Claim, fingerprint: string, terms: RepeatTerms): Promise<HoldOutcome> {
    if (first.fingerprint !== fingerprint) return { kind: 'refused', refusal: terms.used };
    const claim = (await this.claims.settled(first.key, WAIT_MS)) ?? first;
    const answer = isAnswered(claim) ? terms.answerTo(claim) : undefined;
    if (answer) return { kind: 'replay', answer };
    return { kind: 'refused', refusal: refusalOf(claim, terms) ?? (await this.doubtAbout(claim.key)) };
  }

  /**
   * The claim of a capture that is repeated, if it was answered. `'lost'`: the claim was given to another worker, so
   * nothing more of this one's work may leave.
   */
  async captured({ claimKey, callId }: { claimKey: string; callId: string }): Promise<Claim | Refusal | 'lost'> {
    const claim = await patiently(() => this.claims.find(claimKey));
    if (claim?.callId !== callId) return 'lost';
    if (isAnswered(claim)) return claim;
    // Moved by a commit whose answer was lost: nobody waits for what is to follow.
    this.claims.leave(claimKey, callId);
    return claim.state === 'settling' || claim.state === 'in_doubt' ? this.doubtAbout(claimKey) : inProgress;
  }

  /** What a repeat is told while the outcome is not known. */
  async doubtAbout(claimKey: string): Promise<Refusal> {
    return inDoubt(await this.settler.newestFor(claimKey));
  }
}

/** Whether its answer may be given, and given again. */
export const isAnswered = ({ state }: Claim): boolean => state === 'settled' || state === 'promised';

function refusalOf(claim: Claim, terms: RepeatTerms): Refusal | undefined {
  switch (claim.state) {
    case 'settled':
    case 'promised':
      return answerNotKept;
    case 'in_doubt':
      return undefined;
    case 'failed':
      return terms.failed(claim.reason ?? 'unexpected_settle_error');
    case 'working':
    case 'settling':
    case 'paid':
    case 'released':
      return inProgress;
  }
}
