import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { usdc } from '../../common/money';
import { JobsService } from '../../jobs/jobs.service';
import { LedgerService } from '../../ledger/ledger.service';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';
import { CreditCapture } from '../credit/credit-capture.service';
import { pendingCharge } from '../credit/credit-charge';
import { walletHold } from '../wallet-hold';
import { TransferBooks } from './transfer-books.service';
import type { TransferClaim } from './transfer-hold';
import type { FailedProof } from './transfer-refusals';

/** Finishes proofs whose process died: a transfer that was claimed is on the books, an answer that is kept is paid. */
@Injectable()
export class TransferRecovery implements OnModuleInit {
  private readonly logger = new Logger('TransferRecovery');

  constructor(
    private readonly jobs: JobsService,
    private readonly claims: ClaimsService,
    private readonly books: TransferBooks,
    private readonly ledger: LedgerService,
    private readonly captures: CreditCapture,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'recover-transfers', everySeconds: 5, run: () => this.recover() });
  }

  /** Safe beside itself, at any number of processes. */
  async recover(): Promise<void> {
    for (const claim of await this.claims.abandoned('transfer-proof', ['working', 'settling'])) {
      await this.finish(claim).catch((error: unknown) =>
        this.logger.error(`${claim.key} stays ${claim.state}: ${String(error)}`),
      );
    }
  }

  private async finish(claim: Claim): Promise<void> {
    const transfer = claim.payment as TransferClaim;
    const customerId = claim.customerId as string;
    if (claim.state === 'settling' && claim.capture)
      return void (await this.captures.settle(claim.key, pendingCharge(claim)));
    const outcome = await this.books.credit(claim.key, customerId, transfer);
    if (outcome === 'being_read') return;
    if (outcome !== 'credited') return this.giveUp(claim, outcome);
    if (claim.state === 'settling') return void (await this.claims.move(claim.key, claim.callId, 'paid'));
    if (!(await this.claims.abandon(claim, 'paid'))) return;
    await this.ledger.release(walletHold({ callId: claim.callId, customerId, amount: usdc(BigInt(transfer.due)) }));
  }

  /** An operator was faster, or another request: it is on the books already. No credit of it was held. */
  private async giveUp({ key, callId, state }: Claim, reason: FailedProof): Promise<void> {
    if (state === 'working') await this.claims.move(key, callId, 'settling');
    await this.claims.move(key, callId, 'failed', { reason });
  }
}
